/// A value for `$1`, `$2`, … of a statement, sent in binary with its type.
public enum Parameter: Sendable {
    /// NULL of a type the server infers.
    case null
    /// `boolean`
    case bool(Bool)
    /// `integer`
    case int32(Int32)
    /// `bigint`
    case int64(Int64)
    /// `double precision`
    case double(Double)
    /// `text`: without NUL, or the server refuses it with 22021.
    case text(String)
    /// `bytea`
    case bytes([UInt8])
    /// `timestamptz`: microseconds since 1970-01-01 UTC. Instants out of PostgreSQL's range end in 22008.
    case timestamp(microsecondsSince1970: Int64)
    /// `numeric`
    case numeric(Decimal128)
    /// A one-dimensional array.
    case array(ArrayBuilder)
}
