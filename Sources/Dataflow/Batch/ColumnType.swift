/// The type of one field of a record.
public enum ColumnType: Hashable, Sendable, CustomStringConvertible {
    /// UTF-8 text without NUL.
    case text
    /// A signed 64-bit whole number.
    case integer
    /// A fixed-point number: a signed 64-bit whole number of units of 10^-scale.
    case decimal(scale: Int)
    /// An IEEE 754 binary64, never NaN or infinite.
    case double
    /// True or false.
    case boolean
    /// Microseconds since 1970-01-01T00:00:00Z, year 1 to 9999.
    case timestamp

    /// The name used in topology files.
    public var description: String {
        switch self {
        case .text: "text"
        case .integer: "integer"
        case .decimal(let scale): "decimal(\(scale))"
        case .double: "double"
        case .boolean: "boolean"
        case .timestamp: "timestamp"
        }
    }

    /// Bytes of one value in a column.
    public var stride: Int { self == .boolean ? 1 : 8 }

    /// Whether values can be added and compared as numbers.
    public var isNumeric: Bool {
        switch self {
        case .integer, .decimal, .double: true
        default: false
        }
    }
}
