import JSON

/// A value read back from a column.
enum Value: Hashable, CustomStringConvertible {
    case none
    case text(String)
    case integer(Int64)
    case doubleBits(UInt64)
    case boolean(Bool)

    static func double(_ value: Double) -> Value { .doubleBits(value.bitPattern) }

    var description: String {
        switch self {
        case .none: "no value"
        case .text(let text): "text(\(text.debugDescription))"
        case .integer(let number): "integer(\(number))"
        case .doubleBits(let bits): "double(\(Double(bitPattern: bits)))"
        case .boolean(let flag): "boolean(\(flag))"
        }
    }
}

/// What became of one document: its values, or why it is bad.
struct Outcome: Hashable {
    var error: DocumentError?
    var reason: String?
    var values: [Value]
}

/// Documents put together into one batch buffer and parsed.
struct ParsedBatch {
    var outcomes: [Outcome]
    var summary: ParseSummary

    /// Parses `documents` as one batch, each followed by a newline, with `parser`.
    init(_ documents: [[UInt8]], with parser: inout DocumentParser) {
        var bytes: [UInt8] = []
        var ranges: [DocumentRange] = []
        for document in documents {
            ranges.append(DocumentRange(offset: UInt32(bytes.count), length: UInt32(document.count)))
            bytes += document
            bytes.append(0x0a)
        }
        // The last newline is left out of the length: the parser must not need it.
        let length = max(bytes.count - 1, 0)
        let capacity = DocumentParser.capacity(forLength: length)
        bytes += [UInt8](repeating: 0x7b, count: max(capacity - bytes.count, 0))
        self.init(&bytes, length: length, capacity: capacity, ranges: ranges, parser: &parser)
    }

    private init(
        _ bytes: inout [UInt8], length: Int, capacity: Int, ranges: [DocumentRange], parser: inout DocumentParser
    ) {
        let count = ranges.count
        let fields = parser.fields
        // Exactly as large as promised, so that a sanitizer sees every step beyond.
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        let status = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        unsafe buffer.initialize(from: bytes, count: capacity)
        unsafe status.initialize(repeating: 0xee, count: count)
        let columns = unsafe fields.map { _ in
            unsafe ColumnPointers(
                values: .allocate(byteCount: max(count, 1) * 8, alignment: 8), valid: .allocate(capacity: count))
        }
        defer {
            unsafe buffer.deallocate()
            unsafe status.deallocate()
            for field in fields.indices {
                unsafe columns[field].values.deallocate()
                unsafe columns[field].valid.deallocate()
            }
        }
        for field in fields.indices { unsafe columns[field].valid.initialize(repeating: 0xee, count: count) }
        summary = unsafe ranges.withUnsafeBufferPointer { documents in
            unsafe columns.withUnsafeBufferPointer { columns in
                unsafe parser.parse(
                    buffer: buffer, length: length, capacity: capacity, documents: documents, columns: columns,
                    status: status)
            }
        }
        var found: [Outcome] = []
        for document in 0..<count {
            let error = unsafe DocumentError(rawValue: status[document])
            if error == nil { precondition(unsafe status[document] == 0, "unknown status") }
            var values: [Value] = []
            for field in fields.indices {
                let column = unsafe columns[field]
                let valid = unsafe column.valid[document]
                precondition(valid <= 1, "a column's validity was not written")
                values.append(
                    unsafe valid == 0 ? .none : Self.value(column.values, document, fields[field].type, buffer))
            }
            found.append(Outcome(error: error, reason: parser.reason(for: document), values: values))
        }
        outcomes = found
    }

    @unsafe private static func value(
        _ values: UnsafeMutableRawPointer, _ index: Int, _ type: FieldType, _ buffer: UnsafeMutablePointer<UInt8>
    ) -> Value {
        switch type {
        case .text:
            let slice = unsafe values.assumingMemoryBound(to: TextSlice.self)[index]
            let bytes = unsafe UnsafeBufferPointer(start: buffer + Int(slice.offset), count: Int(slice.length))
            guard let text = unsafe String(validating: bytes, as: UTF8.self) else { return .text("<not UTF-8>") }
            return .text(text)
        case .integer, .decimal, .timestamp:
            return .integer(unsafe values.assumingMemoryBound(to: Int64.self)[index])
        case .double:
            return Value.double(unsafe values.assumingMemoryBound(to: Double.self)[index])
        case .boolean:
            return .boolean(unsafe values.assumingMemoryBound(to: UInt8.self)[index] != 0)
        }
    }
}

/// Parses one document alone, with a parser of its own that has learned nothing.
func parsed(_ document: [UInt8], _ fields: [FieldDeclaration], limits: JSONLimits = JSONLimits()) -> Outcome {
    var parser = DocumentParser(fields: fields, limits: limits)
    return ParsedBatch([document], with: &parser).outcomes[0]
}

/// The same for a document as text.
func parsed(_ document: String, _ fields: [FieldDeclaration], limits: JSONLimits = JSONLimits()) -> Outcome {
    parsed(Array(document.utf8), fields, limits: limits)
}

extension FieldDeclaration {
    /// A field at a dotted path.
    init(_ path: String, _ type: FieldType, isRequired: Bool = false, onTypeError: TypeErrorAction = .reject) {
        self.init(
            path: path.split(separator: ".").map(String.init), type: type, isRequired: isRequired,
            onTypeError: onTypeError)
    }
}

/// The declared fields of the product's example events.
let eventFields = [
    FieldDeclaration("ts", .timestamp(.rfc3339)),
    FieldDeclaration("event", .text),
    FieldDeclaration("user", .text),
    FieldDeclaration("platform", .text),
    FieldDeclaration("country", .text),
    FieldDeclaration("duration_ms", .integer),
    FieldDeclaration("revenue", .decimal(scale: 2)),
    FieldDeclaration("payload.weapon", .text),
]

/// One of the product's example events, and what it holds.
let event = Array(
    """
    {"ts":"2026-03-01T09:00:00.250Z","event":"kill","user":"u1","session":"x","platform":"ios","country":"DE",\
    "duration_ms":1250,"revenue":0.99,"payload":{"map":"desert","weapon":"katana","at":[1.5,-2,{"z":null}]},"beta":true}
    """.utf8)
let eventOutcome = Outcome(
    error: nil, reason: nil,
    values: [
        .integer(1_772_355_600_250_000), .text("kill"), .text("u1"), .text("ios"), .text("DE"), .integer(1250),
        .integer(99), .text("katana"),
    ])
