import CSimdJSON

/// Parses batches of JSON documents into typed columns: every token checked, only the declared fields written.
///
/// simdjson's first stage indexes the structure of the batch and checks its UTF-8; a walker then checks the grammar of
/// each document and copies the declared values, in the order of keys it has learned from earlier documents. A bad
/// document costs only itself. Results do not depend on how documents are cut into batches, nor on what was parsed
/// before. Nothing blocks; the steady state allocates nothing.
///
/// Sendable, since the C parser is only reachable through this value, which cannot be copied.
///
/// - Complexity: linear in the bytes of the batch. A document with a bad string or bad UTF-8 costs about one more pass
///   of the first stage over the 16 KiB around it; any other bad document costs no more than a good one.
@safe public struct DocumentParser: ~Copyable, @unchecked Sendable {
    /// Bytes behind the documents that the parser overwrites and reads; the arena follows them.
    public static let padding = Int(SJ_PADDING)

    /// The declared fields, in the order of their columns.
    public let fields: [FieldDeclaration]
    /// The bounds beyond which a document is bad.
    public let limits: JSONLimits
    /// The array whose elements are the records; nil when the documents are.
    public let elements: ElementArray?

    private let parser: OpaquePointer
    private var badCount = 0

    /// A parser for documents with these fields. Several may share a path. With `takesObjectsOnly`, a document that is
    /// valid JSON but no object is bad: it has no fields that could be missing.
    ///
    /// Paths must not be empty, but for that of an element itself; scales lie in 0...18, limits in their ranges: checked by whoever reads the topology.
    /// - Parameter elements: an array each of whose elements is a row of its own; see `parseElements`. Paths of fields begin
    ///   at the element, or outside of it; none may lead to an array or through it. Where one is the element, none has keys
    ///   that begin there. At most `ElementArray.countMax` arrays, of which only the first may have no keys.
    public init(
        fields: [FieldDeclaration], limits: JSONLimits = JSONLimits(), takesObjectsOnly: Bool = false,
        elements: ElementArray? = nil
    ) {
        precondition((1...JSONLimits.depthMost).contains(limits.depthMax), "the depth limit is 1...1024")
        precondition(
            (1...JSONLimits.batchLengthMax).contains(limits.documentLengthMax), "the document limit is 1 byte...1 GiB")
        let parser = unsafe sj_parser_create(
            UInt32(limits.depthMax), UInt32(limits.documentLengthMax), takesObjectsOnly)
        guard let parser = unsafe parser else {
            fatalError("no memory for a JSON parser")
        }
        unsafe self.parser = parser
        self.fields = fields
        self.limits = limits
        self.elements = elements
        let arrays = elements?.paths ?? []
        precondition(arrays.count <= min(ElementArray.countMax, Int(SJ_ARRAYS_MAX)), "too many arrays in one another")
        for (number, path) in arrays.enumerated() {
            precondition(number == 0 || !path.isEmpty, "an array in an element needs a path")
            let lengths = path.map { UInt32($0.utf8.count) }
            unsafe sj_parser_add_array(
                parser, path.flatMap(\.utf8), lengths, lengths.count, elements?.isOptional ?? false)
        }
        for field in fields {
            precondition(!field.path.isEmpty || !arrays.isEmpty && field.outward == 0, "a field needs a path")
            precondition(
                (0...arrays.count).contains(field.outward), "a field begins outside of arrays that there are not")
            let steps = field.steps
            let keys = steps.flatMap(\.key.utf8)
            let lengths = steps.map { UInt32($0.key.utf8.count) }
            unsafe sj_parser_add_field(
                parser, keys, lengths, steps.map(\.kind), lengths.count, field.options(arrays.count))
        }
    }

    deinit {
        unsafe sj_parser_destroy(parser)
    }

    /// Whether a byte order mark in front of the first document of a batch is passed over, as is right where a file begins;
    /// else it makes the document bad. Its bytes belong to the document all the same. Holds until it is said otherwise.
    public mutating func passMark(_ passes: Bool) { unsafe sj_parser_pass_mark(parser, passes) }

    /// The capacity a batch buffer needs for `length` bytes of documents: room for the padding, and for as much
    /// unescaped text as there can be. Pages of it that no escape needs are never touched.
    public static func capacity(forLength length: Int) -> Int { 2 * length + padding }

    /// Parses the documents of a batch; each one may be any JSON value, unless only objects are taken.
    ///
    /// - Parameters:
    ///   - buffer: The batch buffer. The parser writes behind `length` only, and keeps no pointer to it.
    ///   - length: Bytes of documents, at most 1 GiB.
    ///   - capacity: Bytes of `buffer`, at least `capacity(forLength: length)`.
    ///   - documents: In ascending order. Only JSON white space with at least one newline may lie between two of them:
    ///     a newline is what stops an error from reaching the next document.
    ///   - columns: One per field, with room for every document. A bad document has no value in any of them.
    ///   - status: One byte per document: 0, or the raw value of a `DocumentError`.
    public mutating func parse(
        buffer: UnsafeMutablePointer<UInt8>,
        length: Int,
        capacity: Int,
        documents: UnsafeBufferPointer<DocumentRange>,
        columns: UnsafeBufferPointer<ColumnPointers>,
        status: UnsafeMutablePointer<UInt8>
    ) -> ParseSummary {
        precondition(columns.count == fields.count, "one column per declared field")
        var summary = sj_summary()
        // Same layout: two 32-bit words, and two pointers. The tests compare sizes.
        let ranges = unsafe UnsafeRawPointer(documents.baseAddress)?.assumingMemoryBound(to: sj_slice.self)
        let pointers = unsafe UnsafeRawPointer(columns.baseAddress)?.assumingMemoryBound(to: sj_column.self)
        let misuse = unsafe sj_parse(
            parser, buffer, length, capacity, ranges, documents.count, pointers, status, &summary)
        if let misuse = unsafe misuse { preconditionFailure(unsafe String(cString: misuse)) }
        badCount = summary.failure_count
        return ParseSummary(
            okCount: summary.ok_count,
            badCount: badCount,
            firstBad: badCount == 0 ? nil : unsafe Int(sj_parser_failures(parser)[0].row),
            arenaUsed: summary.arena_used)
    }

    /// Parses the documents of a batch into a row for each element of their arrays.
    ///
    /// A document that is bad as a whole, or that lacks the array, is one bad row; so is an element that holds others. The
    /// rows of a document are consecutive.
    /// - Parameters:
    ///   - rows: room for the rows, and what was done; begin with none. When some documents are left, call again with more
    ///     room for rows and everything that was written so far.
    ///   - The others as in `parse`, with columns and status for `rows.capacity` rows.
    public mutating func parseElements(
        buffer: UnsafeMutablePointer<UInt8>,
        length: Int,
        capacity: Int,
        documents: UnsafeBufferPointer<DocumentRange>,
        columns: UnsafeBufferPointer<ColumnPointers>,
        status: UnsafeMutablePointer<UInt8>,
        rows: inout ElementRows
    ) -> ParseSummary {
        precondition(columns.count == fields.count, "one column per declared field")
        var summary = sj_summary()
        var raw = unsafe sj_rows(
            capacity: rows.capacity, documents: rows.documents,
            elements: UnsafeMutableRawPointer(rows.elements).assumingMemoryBound(to: sj_slice.self),
            numbers: rows.numbers,
            count: rows.count, documents_done: rows.documentsDone, arena_used: rows.arenaUsed)
        let ranges = unsafe UnsafeRawPointer(documents.baseAddress)?.assumingMemoryBound(to: sj_slice.self)
        let pointers = unsafe UnsafeRawPointer(columns.baseAddress)?.assumingMemoryBound(to: sj_column.self)
        let misuse = unsafe sj_parse_elements(
            parser, buffer, length, capacity, ranges, documents.count, pointers, status, &raw, &summary)
        if let misuse = unsafe misuse { preconditionFailure(unsafe String(cString: misuse)) }
        badCount = summary.failure_count
        rows.count = unsafe raw.count
        rows.documentsDone = unsafe raw.documents_done
        rows.arenaUsed = unsafe raw.arena_used
        return ParseSummary(
            okCount: rows.count - badCount, badCount: badCount,
            firstBad: badCount == 0 ? nil : unsafe Int(sj_parser_failures(parser)[0].row),
            arenaUsed: summary.arena_used)
    }

    /// What was conceded for a field so far, in good records.
    public func concessions(ofField index: Int) -> Concessions {
        let counts = unsafe sj_parser_concessions(parser, index)
        return Concessions(
            nulls: Int64(counts.nulls), cuts: Int64(counts.cuts), error: DocumentError(rawValue: counts.code),
            found: DocumentFailure.Found(rawValue: counts.found) ?? .nothing)
    }

    /// The bad documents of the last batch, by ascending index.
    public var failures: [DocumentFailure] { (0..<badCount).map { failure(number: $0) } }

    /// Why row `index` of the last batch is bad, or nil for a good one.
    ///
    /// - Complexity: logarithmic in the number of bad documents.
    public func failure(of index: Int) -> DocumentFailure? {
        var low = 0
        var high = badCount
        while low < high {
            let middle = (low + high) / 2
            if unsafe Int(sj_parser_failures(parser)[middle].row) < index {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < badCount else { return nil }
        let found = failure(number: low)
        return found.row == index ? found : nil
    }

    /// A sentence for a person that says why document `index` of the last batch is bad; nil for a good one. It names
    /// the error, the field and the place, and holds nothing of the document's contents.
    public func reason(for index: Int) -> String? { failure(of: index)?.description }

    private func failure(number: Int) -> DocumentFailure {
        let failure = unsafe sj_parser_failures(parser)[number]
        guard let error = DocumentError(rawValue: failure.code),
            let found = DocumentFailure.Found(rawValue: failure.found)
        else { preconditionFailure("the parser's error codes and DocumentError differ") }
        return DocumentFailure(
            row: Int(failure.row),
            error: error,
            position: Int(failure.position),
            field: failure.field < 0 ? nil : fields[Int(failure.field)],
            found: found,
            elements: elements,
            depth: Int(failure.depth),
            element: failure.element.length == 0
                ? nil : DocumentRange(offset: failure.element.offset, length: failure.element.length))
    }
}

extension FieldDeclaration {
    /// The keys of the path with those of choices between them, and what each is.
    fileprivate var steps: [(key: String, kind: UInt8)] {
        var steps: [(key: String, kind: UInt8)] = []
        for (index, key) in path.enumerated() {
            steps.append((key, UInt8(SJ_KEY_MEMBER)))
            guard let choice = choices.first(where: { $0.depth == index + 1 }) else { continue }
            precondition(index + 1 < path.count, "a path goes on behind the element that it chooses")
            steps += [(choice.key, UInt8(SJ_KEY_CHOICE)), (choice.text, UInt8(SJ_KEY_CHOSEN))]
        }
        return steps
    }

    fileprivate func options(_ arrayCount: Int) -> sj_field_options {
        precondition((0...Int(Int32.max)).contains(textLengthMax), "the length limit of a text is 0 bytes...2 GiB")
        let (code, scale) = type.code
        return sj_field_options(
            type: code, scale: scale, required: isRequired, null_on_type_error: onTypeError == .null,
            accepts_text: acceptsText, truncates: truncates, depth: UInt8(arrayCount - outward),
            text_length_max: UInt32(textLengthMax))
    }
}

extension FieldType {
    /// The number of the type at the C edge, and the scale.
    var code: (type: UInt8, scale: UInt8) {
        var scale = 0
        let code: Int
        switch self {
        case .text: code = SJ_TEXT
        case .integer: code = SJ_INTEGER
        case .decimal(let digits):
            precondition((0...18).contains(digits), "the scale of a decimal is 0...18")
            code = SJ_DECIMAL
            scale = digits
        case .double: code = SJ_DOUBLE
        case .boolean: code = SJ_BOOLEAN
        case .timestamp(.rfc3339): code = SJ_TIMESTAMP_RFC3339
        case .timestamp(.epochSeconds): code = SJ_TIMESTAMP_SECONDS
        case .timestamp(.epochMilliseconds): code = SJ_TIMESTAMP_MILLISECONDS
        case .timestamp(.epochMicroseconds): code = SJ_TIMESTAMP_MICROSECONDS
        case .timestamp(.epochNanoseconds): code = SJ_TIMESTAMP_NANOSECONDS
        }
        return (UInt8(code), UInt8(scale))
    }
}
