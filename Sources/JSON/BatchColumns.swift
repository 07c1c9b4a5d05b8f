/// A text value, as bytes of the batch buffer: either in place, or unescaped in the arena behind the documents.
public struct TextSlice: Sendable, Hashable {
    /// Bytes from the base of the batch buffer.
    public var offset: UInt32
    /// Bytes of UTF-8.
    public var length: UInt32

    /// The `length` bytes at `offset`.
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }
}

/// One document of a batch, as bytes of the batch buffer.
public struct DocumentRange: Sendable, Hashable {
    /// Bytes from the base of the batch buffer.
    public var offset: UInt32
    /// Bytes of the document, without the newline behind it.
    public var length: UInt32

    /// The `length` bytes at `offset`.
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }
}

/// The caller's memory for one field of a batch, at least one element per document.
@unsafe public struct ColumnPointers {
    /// `TextSlice`, `Int64`, `Double` or `UInt8` per document, as the field's type says. Undefined without a value.
    public var values: UnsafeMutableRawPointer
    /// 1 where the document has a value, 0 where not.
    public var valid: UnsafeMutablePointer<UInt8>

    /// A column at these addresses, which stay the caller's.
    public init(values: UnsafeMutableRawPointer, valid: UnsafeMutablePointer<UInt8>) {
        unsafe self.values = values
        unsafe self.valid = valid
    }
}

/// What became of a batch.
public struct ParseSummary: Sendable, Hashable {
    /// Good documents.
    public var okCount: Int
    /// Bad documents.
    public var badCount: Int
    /// Index of the first bad document.
    public var firstBad: Int?
    /// Bytes of unescaped text written behind `length + DocumentParser.padding`.
    public var arenaUsed: Int

    /// The given counts.
    public init(okCount: Int, badCount: Int, firstBad: Int?, arenaUsed: Int) {
        self.okCount = okCount
        self.badCount = badCount
        self.firstBad = firstBad
        self.arenaUsed = arenaUsed
    }
}

/// The rows that the elements of a batch's documents become.
@safe public struct ElementRows {
    /// Rows that there is room for.
    public var capacity: Int
    /// The caller's memory for the document of each row.
    public var documents: UnsafeMutablePointer<UInt32>
    /// The caller's memory for the place of each row's element; of length 0 for a document that is bad as a whole.
    public var elements: UnsafeMutablePointer<DocumentRange>
    /// The caller's memory for as many numbers for each row as there are arrays: of each array, which of its elements, from 0,
    /// the row is or lies in. `UInt32.max` in arrays inside of what is bad as a whole.
    public var numbers: UnsafeMutablePointer<UInt32>
    /// Rows made so far.
    public internal(set) var count: Int
    /// Documents done so far.
    public internal(set) var documentsDone: Int
    /// Bytes of unescaped text written so far.
    public internal(set) var arenaUsed: Int

    /// Room for the rows of a batch, and what was done so far.
    public init(
        capacity: Int, documents: UnsafeMutablePointer<UInt32>, elements: UnsafeMutablePointer<DocumentRange>,
        numbers: UnsafeMutablePointer<UInt32>, count: Int = 0, documentsDone: Int = 0, arenaUsed: Int = 0
    ) {
        self.capacity = capacity
        unsafe self.documents = documents
        unsafe self.elements = elements
        unsafe self.numbers = numbers
        self.count = count
        self.documentsDone = documentsDone
        self.arenaUsed = arenaUsed
    }
}

/// What a field was forgiven, in good records.
public struct Concessions: Sendable, Hashable {
    /// Values that did not fit and were taken for null.
    public var nulls: Int64
    /// Texts that were cut.
    public var cuts: Int64
    /// Why the last of the nulls did not fit; nil when there was none.
    public var error: DocumentError?
    /// What stood there.
    public var found: DocumentFailure.Found

    /// The given counts.
    public init(nulls: Int64, cuts: Int64, error: DocumentError?, found: DocumentFailure.Found) {
        self.nulls = nulls
        self.cuts = cuts
        self.error = error
        self.found = found
    }
}
