/// The answer to one statement: its rows in binary, or the number of rows it changed.
///
/// Values are read by position, both counted from 0, and are nil where the database holds NULL. Reading a value as a
/// type its column does not have is an error, not a guess. The rows live outside Swift's heap until the last copy of
/// the result is gone.
public struct QueryResult: Sendable {
    private let handle: ResultHandle
    /// Rows in the answer; 0 for statements that return none.
    public let rowCount: Int
    /// Columns in the answer.
    public let columnCount: Int

    init(_ handle: ResultHandle) {
        self.handle = handle
        rowCount = handle.rowCount
        columnCount = handle.columnCount
    }

    /// Bytes that libpq holds for the answer.
    public var memoryBytes: Int { handle.memoryBytes }

    /// Rows that the statement inserted, updated, deleted, moved or selected; nil when it has no such number.
    public var affectedRows: Int? { Int(handle.affectedRows) }

    /// What the server says it did, such as `INSERT 0 5` or `COMMIT`. Note that the answer to a COMMIT of a failed
    /// transaction is `ROLLBACK`.
    public var commandTag: String { handle.commandTag }

    /// The columns' names, in order.
    public var columnNames: [String] { (0..<columnCount).map(handle.columnName) }

    /// Whether the value is NULL.
    public func isNull(_ row: Int, _ column: Int) -> Bool {
        check(row, column)
        return handle.isNull(row, column)
    }

    /// Reads `boolean`.
    /// - Throws: `usage` when the column has another type.
    public func bool(_ row: Int, _ column: Int) throws(PostgresError) -> Bool? {
        try read(row, column, as: "boolean", WireValue.bool)
    }

    /// Reads `smallint` or `integer`.
    /// - Throws: `usage` when the column has another type.
    public func int32(_ row: Int, _ column: Int) throws(PostgresError) -> Int32? {
        try read(row, column, as: "integer", WireValue.int32)
    }

    /// Reads `smallint`, `integer`, `bigint` or `oid`.
    /// - Throws: `usage` when the column has another type.
    public func int64(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        try read(row, column, as: "bigint", WireValue.int64)
    }

    /// Reads `real` or `double precision`; NaN and infinities come through.
    /// - Throws: `usage` when the column has another type.
    public func double(_ row: Int, _ column: Int) throws(PostgresError) -> Double? {
        try read(row, column, as: "double precision", WireValue.double)
    }

    /// Reads `timestamptz`, or `timestamp` taken as UTC, as microseconds since 1970-01-01 UTC.
    /// - Throws: `usage` when the column has another type, or the value is `infinity` or `-infinity`.
    public func microsecondsSince1970(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        try read(row, column, as: "a finite timestamptz", WireValue.microsecondsSince1970)
    }

    /// Reads `numeric` with the scale the server gives it.
    /// - Throws: `usage` when the column has another type, or the value is NaN, infinite or beyond 128 bits.
    public func numeric(_ row: Int, _ column: Int) throws(PostgresError) -> Decimal128? {
        try read(row, column, as: "a numeric of at most 128 bits", WireValue.numeric)
    }

    /// Reads `text`, `varchar`, `char`, `name`, `json`, and types of extensions or users whose binary form is text
    /// (enums, citext). Domains count as what they are made of.
    /// - Throws: `usage` when the column has another type.
    public func text(_ row: Int, _ column: Int) throws(PostgresError) -> String? {
        try read(row, column, as: "text", WireValue.text)
    }

    /// Copies the bytes of a `bytea`.
    /// - Throws: `usage` when the column has another type.
    public func bytes(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8]? {
        try read(row, column, as: "bytea", WireValue.bytes)
    }

    /// Lends the bytes of a value as they came from the server, without a copy, whatever its type; nil for NULL.
    /// The pointer must not be kept.
    public func withUnsafeBytes<Value>(
        _ row: Int, _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value? {
        check(row, column)
        if handle.isNull(row, column) { return nil }
        return try unsafe handle.withBytes(row, column, body)
    }

    // MARK: - Reading

    private func check(_ row: Int, _ column: Int) {
        precondition((0..<rowCount).contains(row), "row \(row) of \(rowCount)")
        precondition((0..<columnCount).contains(column), "column \(column) of \(columnCount)")
    }

    private func read<Value>(
        _ row: Int, _ column: Int, as wanted: StaticString, _ decode: (UInt32, RawSpan) -> Value?
    ) throws(PostgresError) -> Value? {
        check(row, column)
        if handle.isNull(row, column) { return nil }
        guard handle.isBinary(column) else {
            throw PostgresError(.usage, "column \(handle.columnName(column)) came as text, only binary is read")
        }
        let type = handle.columnType(column)
        let value = unsafe handle.withBytes(row, column) { bytes in unsafe decode(type, RawSpan(_unsafeBytes: bytes)) }
        guard let value else {
            throw WireValue.mismatch(handle.columnName(column), type, wanted)
        }
        return value
    }
}
