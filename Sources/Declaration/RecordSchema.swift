public import Dataflow

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
        /// Whether elements of documents are the records, and all those of one document have the same value.
        public var isOfDocument: Bool

        /// Creates a field.
        public init(
            name: String, type: ColumnType, column: Int, textBytesMax: Int? = nil, isOfDocument: Bool = false
        ) {
            self.name = name
            self.type = type
            self.column = column
            self.textBytesMax = textBytesMax
            self.isOfDocument = isOfDocument
        }
    }

    /// That the records are a share of others, chosen by a hash.
    public struct Sampling: Sendable {
        /// The node that chooses.
        public var node: String
        /// The share, in millionths of a percent.
        public var millionths: UInt64
        /// The column of the values by which they are chosen; nil: by their place.
        public var column: Int?

        /// Describes a choice.
        public init(node: String, millionths: UInt64, column: Int?) {
            self.node = node
            self.millionths = millionths
            self.column = column
        }
    }

    /// Why a field that is somewhere is not here.
    public enum Departure: Sendable {
        /// A node in front leaves it out.
        case leftOut(by: String)
        /// A node in front gives it another name.
        case renamed(by: String, to: String)
        /// The same node makes it, further below.
        case madeBelow
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

    /// Fields that not all of the inputs have alike whose records come together here, each with what is the matter.
    public var lacking: [String: String] = [:]
    /// Fields that are somewhere, and not here, each with the reason.
    public var departed: [String: Departure] = [:]
    /// What of all records these are, where nodes in front have chosen.
    public var samplings: [Sampling] = []
    /// The first number that a column can have which the node that reads these records adds.
    public var nextColumn = 0

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
