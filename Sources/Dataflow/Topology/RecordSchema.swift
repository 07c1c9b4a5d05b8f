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

/// The fields of the records on an edge: names, types and the batch column each lives in.
public struct RecordSchema: Sendable {
    /// One field.
    public struct Field: Sendable {
        /// The field's name in the topology.
        public var name: String
        /// The field's type.
        public var type: ColumnType
        /// Index into the batch's columns.
        public var column: Int
        /// The longest text there can be, in bytes; nil for other types, and where it is not known.
        public var textBytesMax: Int?

        /// Creates a field.
        public init(name: String, type: ColumnType, column: Int, textBytesMax: Int? = nil) {
            self.name = name
            self.type = type
            self.column = column
            self.textBytesMax = textBytesMax
        }
    }

    /// The fields in declaration order.
    public var fields: [Field]
    /// Column of the event time (a timestamp without nulls), nil when the records have none.
    public var eventTimeColumn: Int?
    /// Fields that were declared in a way that a diagnostic complains about: nobody knows their type, and whoever uses
    /// them says nothing more about it.
    public var unresolved: Set<String> = []
    /// Whether nobody knows what fields there are, since a diagnostic complains about what makes the records.
    public var isOpen = false
    /// Whether a diagnostic complains about the event time, so that nobody misses it.
    public var eventTimeIsUnresolved = false

    /// The schema of records about which nothing is known, since a diagnostic complains about what makes them.
    public static var open: RecordSchema {
        var schema = RecordSchema(fields: [], eventTimeColumn: nil)
        schema.isOpen = true
        schema.eventTimeIsUnresolved = true
        return schema
    }

    /// Creates a schema.
    public init(fields: [Field], eventTimeColumn: Int?) {
        self.fields = fields
        self.eventTimeColumn = eventTimeColumn
    }

    /// Whether a diagnostic says already why nothing is known of the field called `name`.
    public func isUnresolved(_ name: String) -> Bool { unresolved.contains(name) || (isOpen && self[name] == nil) }

    /// The field called `name`.
    public subscript(name: String) -> Field? { fields.first { $0.name == name } }
}
