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

    private let parser: OpaquePointer
    private var badCount = 0

    /// A parser for documents with these fields. Several may share a path. With `takesObjectsOnly`, a document that is
    /// valid JSON but no object is bad: it has no fields that could be missing.
    ///
    /// Paths must not be empty, scales lie in 0...18, limits in their ranges: checked by whoever reads the topology.
    public init(fields: [FieldDeclaration], limits: JSONLimits = JSONLimits(), takesObjectsOnly: Bool = false) {
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
        for field in fields {
            precondition(!field.path.isEmpty, "a field needs a path")
            let keys = field.path.flatMap(\.utf8)
            let lengths = field.path.map { UInt32($0.utf8.count) }
            unsafe sj_parser_add_field(parser, keys, lengths, lengths.count, field.options)
        }
    }

    deinit {
        unsafe sj_parser_destroy(parser)
    }

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
            firstBad: badCount == 0 ? nil : unsafe Int(sj_parser_failures(parser)[0].document),
            arenaUsed: summary.arena_used)
    }

    /// The bad documents of the last batch, by ascending index.
    public var failures: [DocumentFailure] { (0..<badCount).map { failure(number: $0) } }

    /// Why document `index` of the last batch is bad, or nil for a good one.
    ///
    /// - Complexity: logarithmic in the number of bad documents.
    public func failure(of index: Int) -> DocumentFailure? {
        var low = 0
        var high = badCount
        while low < high {
            let middle = (low + high) / 2
            if unsafe Int(sj_parser_failures(parser)[middle].document) < index {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < badCount else { return nil }
        let found = failure(number: low)
        return found.document == index ? found : nil
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
            document: Int(failure.document),
            error: error,
            position: Int(failure.position),
            field: failure.field < 0 ? nil : fields[Int(failure.field)],
            found: found)
    }
}

extension FieldDeclaration {
    fileprivate var options: sj_field_options {
        precondition((0...Int(Int32.max)).contains(textLengthMax), "the length limit of a text is 0 bytes...2 GiB")
        var scale = 0
        let code: Int
        switch type {
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
        }
        return sj_field_options(
            type: UInt8(code), scale: UInt8(scale), required: isRequired, null_on_type_error: onTypeError == .null,
            text_length_max: UInt32(textLengthMax))
    }
}
