/// Reading a row as a dictionary: by the names of its columns. A position that is asked for once, with
/// ``RowColumns/index(of:)``, is faster where many rows are read.
extension Row {
    /// The value of a column, whatever its type; nil when no column has that name.
    ///
    ///     if case .text(let advertiser)? = row["advertiser"] { … }
    ///
    /// Types that ``RowValue`` has no case for come as ``RowValue/other(type:bytes:)``.
    public subscript(_ name: String) -> RowValue? { columns.index(of: name).map { self[$0] } }

    /// The value of a column, whatever its type.
    public subscript(_ column: Int) -> RowValue {
        let type = columns.types[column]
        return unsafe withUnsafeBytes(column) { bytes in
            unsafe RowValue(type: type, bytes: RawSpan(_unsafeBytes: bytes))
        } ?? .null
    }

    /// All values under their names; of two columns with one name, the first.
    public var dictionary: [String: RowValue] {
        var values: [String: RowValue] = [:]
        values.reserveCapacity(columns.count)
        for (column, name) in columns.names.enumerated() where values[name] == nil { values[name] = self[column] }
        return values
    }

    /// Whether the value is NULL.
    /// - Throws: `usage` when no column has that name.
    public func isNull(_ name: String) throws(PostgresError) -> Bool { isNull(try position(name)) }

    /// Reads `boolean`.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func bool(_ name: String) throws(PostgresError) -> Bool? { try bool(position(name)) }

    /// Reads `smallint` or `integer`.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func int32(_ name: String) throws(PostgresError) -> Int32? { try int32(position(name)) }

    /// Reads `smallint`, `integer`, `bigint` or `oid`.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func int64(_ name: String) throws(PostgresError) -> Int64? { try int64(position(name)) }

    /// Reads `real` or `double precision`.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func double(_ name: String) throws(PostgresError) -> Double? { try double(position(name)) }

    /// Reads `timestamptz` or `timestamp`, as microseconds since 1970-01-01 UTC.
    /// - Throws: `usage` when no column has that name, it has another type, or the value is infinite.
    public func microsecondsSince1970(_ name: String) throws(PostgresError) -> Int64? {
        try microsecondsSince1970(position(name))
    }

    /// Reads `numeric`.
    /// - Throws: `usage` when no column has that name, it has another type, or the value does not fit.
    public func numeric(_ name: String) throws(PostgresError) -> Decimal128? { try numeric(position(name)) }

    /// Copies a text.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func text(_ name: String) throws(PostgresError) -> String? { try text(position(name)) }

    /// Copies the bytes of a `bytea`.
    /// - Throws: `usage` when no column has that name, or it has another type.
    public func bytes(_ name: String) throws(PostgresError) -> [UInt8]? { try bytes(position(name)) }

    @inline(__always)
    private func position(_ name: String) throws(PostgresError) -> Int {
        guard let index = columns.index(of: name) else { throw columns.missing(name) }
        return index
    }
}

/// A value of a row, whose type is known at run time only.
public enum RowValue: Sendable, Equatable {
    /// NULL
    case null
    /// `boolean`
    case bool(Bool)
    /// `smallint`, `integer`, `bigint`, `oid`
    case integer(Int64)
    /// `real`, `double precision`
    case double(Double)
    /// `numeric`, as far as 128 bits reach
    case numeric(Decimal128)
    /// `text` and what is sent like it
    case text(String)
    /// `timestamptz`, or `timestamp` taken as UTC, when finite
    case timestamp(microsecondsSince1970: Int64)
    /// `bytea`
    case bytes([UInt8])
    /// Anything else, as the server sent it.
    case other(type: UInt32, bytes: [UInt8])

    init(type: UInt32, bytes: RawSpan) {
        if let value = WireValue.int64(type, bytes) {
            self = .integer(value)
        } else if let value = WireValue.text(type, bytes) {
            self = .text(value)
        } else if let value = WireValue.double(type, bytes) {
            self = .double(value)
        } else if let value = WireValue.numeric(type, bytes) {
            self = .numeric(value)
        } else if let value = WireValue.microsecondsSince1970(type, bytes) {
            self = .timestamp(microsecondsSince1970: value)
        } else if let value = WireValue.bool(type, bytes) {
            self = .bool(value)
        } else if let value = WireValue.bytes(type, bytes) {
            self = .bytes(value)
        } else {
            self = .other(type: type, bytes: unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) })
        }
    }
}
