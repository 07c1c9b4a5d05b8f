/// The type of a field of a dimension.
public enum DimensionType: Sendable, Equatable {
    /// UTF-8.
    case text
    /// A whole number of 64 bits.
    case integer
    /// A number with this many digits after the point, kept as a whole number of 64 bits.
    case decimal(scale: Int)
    /// A binary number of 64 bits.
    case double
    /// True or false.
    case boolean
    /// Microseconds since 1970-01-01 UTC.
    case timestamp

    /// As topology files write it.
    public var name: String {
        switch self {
        case .text: "text"
        case .integer: "integer"
        case .decimal(let scale): "decimal(\(scale))"
        case .double: "double"
        case .boolean: "boolean"
        case .timestamp: "timestamp"
        }
    }
}

/// A field of a dimension: a column of its table, query or file.
public struct DimensionField: Sendable, Equatable {
    /// What its source calls it.
    public var name: String
    /// What its values are.
    public var type: DimensionType

    /// Creates a field.
    public init(_ name: String, _ type: DimensionType) {
        self.name = name
        self.type = type
    }
}

/// What a dimension holds: the fields that make its key, those that it adds, and whether its rows are valid for a time.
public struct DimensionSchema: Sendable, Equatable {
    /// The fields that a record is compared with, all of which must be equal; of any type but double.
    public let keys: [DimensionField]
    /// The fields that a record gets.
    public let cells: [DimensionField]
    /// The fields, of type timestamp, that say from when (with it) until when (without it) a row holds. Null is without
    /// end. Nil: there is one row per key.
    public let validity: Validity?

    /// The names of two timestamp fields.
    public struct Validity: Sendable, Equatable {
        /// The first moment at which a row holds.
        public var from: String
        /// The first moment at which it does not any more.
        public var to: String

        /// Creates a value.
        public init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    /// Creates a schema.
    /// - Precondition: there is a key, and none of its fields is a double: equality of doubles is no key.
    public init(keys: [DimensionField], cells: [DimensionField], validity: Validity? = nil) {
        precondition(!keys.isEmpty, "a dimension has a key")
        precondition(keys.allSatisfy { $0.type != .double }, "a double is no key")
        self.keys = keys
        self.cells = cells
        self.validity = validity
    }

    /// Everything that is read of a source, in the order of a ``DimensionRow``: the key, the cells, from and to.
    public var fields: [DimensionField] {
        let moments = validity.map { [DimensionField($0.from, .timestamp), DimensionField($0.to, .timestamp)] } ?? []
        return keys + cells + moments
    }

    /// The fields in canonical form, for the digest of a generation.
    var signature: String {
        let list = fields.map { "\($0.name) \($0.type.name)" }.joined(separator: "\n")
        return "\(keys.count) \(cells.count)\n\(list)"
    }
}
