/// One row of a statement whose rows are read as they arrive; see ``Connection/readRows(of:_:deadline:columns:_:)``.
///
/// Values are read by position, counted from 0, or by name, and are nil where the database holds NULL. Reading a value
/// as a type that its column does not have is an error, not a guess. A row is lent: it is valid during the call that
/// hands it over, and so is what ``withText(_:_:)`` and ``withUnsafeBytes(_:_:)`` lend.
public struct Row: ~Copyable {
    /// Names and types of the columns.
    public internal(set) var columns = RowColumns(names: [], types: [], areBinary: true)
    var buffer = RowBuffer()

    init() {}

    /// Whether the value is NULL.
    public func isNull(_ column: Int) -> Bool {
        check(column)
        return buffer.isNull(column)
    }

    /// Reads `boolean`.
    /// - Throws: `usage` when the column has another type.
    public func bool(_ column: Int) throws(PostgresError) -> Bool? {
        try read(column, as: "boolean", WireValue.bool)
    }

    /// Reads `smallint` or `integer`.
    /// - Throws: `usage` when the column has another type.
    public func int32(_ column: Int) throws(PostgresError) -> Int32? {
        try read(column, as: "integer", WireValue.int32)
    }

    /// Reads `smallint`, `integer`, `bigint` or `oid`.
    /// - Throws: `usage` when the column has another type.
    public func int64(_ column: Int) throws(PostgresError) -> Int64? {
        try read(column, as: "bigint", WireValue.int64)
    }

    /// Reads `real` or `double precision`; NaN and infinities come through.
    /// - Throws: `usage` when the column has another type.
    public func double(_ column: Int) throws(PostgresError) -> Double? {
        try read(column, as: "double precision", WireValue.double)
    }

    /// Reads `timestamptz`, or `timestamp` taken as UTC, as microseconds since 1970-01-01 UTC.
    /// - Throws: `usage` when the column has another type, or the value is `infinity` or `-infinity`.
    public func microsecondsSince1970(_ column: Int) throws(PostgresError) -> Int64? {
        try read(column, as: "a finite timestamptz", WireValue.microsecondsSince1970)
    }

    /// Reads `numeric` with the scale the server gives it.
    /// - Throws: `usage` when the column has another type, or the value is NaN, infinite or beyond 128 bits.
    public func numeric(_ column: Int) throws(PostgresError) -> Decimal128? {
        try read(column, as: "a numeric of at most 128 bits", WireValue.numeric)
    }

    /// Copies a text: `text`, `varchar`, `char`, `name`, `json`, and types of extensions or users whose binary form is
    /// text (enums, citext).
    /// - Throws: `usage` when the column has another type.
    public func text(_ column: Int) throws(PostgresError) -> String? {
        try read(column, as: "text", WireValue.text)
    }

    /// Copies the bytes of a `bytea`.
    /// - Throws: `usage` when the column has another type.
    public func bytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try read(column, as: "bytea", WireValue.bytes)
    }

    /// Lends the UTF-8 of a text without a copy; nil for NULL. For the types of ``text(_:)``.
    /// - Throws: `usage` when the column has another type, and what `body` throws.
    @inline(__always)
    public func withText<Value>(_ column: Int, _ body: (RawSpan) throws -> Value) throws -> Value? {
        check(column)
        guard WireValue.isText(columns.types[column]), columns.areBinary else { throw mismatch(column, "text") }
        if buffer.isNull(column) { return nil }
        return try unsafe body(RawSpan(_unsafeBytes: buffer.bytes(column)))
    }

    /// Lends the bytes of a value as they came from the server, without a copy, whatever its type; nil for NULL.
    /// The pointer must not be kept.
    public func withUnsafeBytes<Value>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value? {
        check(column)
        if buffer.isNull(column) { return nil }
        return try unsafe body(buffer.bytes(column))
    }

    // MARK: - Reading

    @inline(__always)
    private func check(_ column: Int) {
        precondition(column >= 0 && column < columns.types.count, "the row has no such column")
    }

    @inline(__always)
    private func read<Value>(
        _ column: Int, as wanted: StaticString, _ decode: (UInt32, RawSpan) -> Value?
    ) throws(PostgresError) -> Value? {
        check(column)
        if buffer.isNull(column) { return nil }
        let value = unsafe decode(columns.types[column], RawSpan(_unsafeBytes: buffer.bytes(column)))
        guard let value, columns.areBinary else { throw mismatch(column, wanted) }
        return value
    }

    private func mismatch(_ column: Int, _ wanted: StaticString) -> PostgresError {
        guard columns.areBinary else {
            return PostgresError(.usage, "column \(columns.names[column]) came as text, only binary is read")
        }
        return WireValue.mismatch(columns.names[column], columns.types[column], wanted)
    }
}
