public import Dataflow

/// What goes from node to node, as a part of a query has it: raw messages, or records with their fields.
///
/// Beside its fields a record has columns whose names hold a dot, which fields' names never do: where its message stands in
/// the log, and its event time, which stays when the field is left out.
public struct QueryRelation: Sendable {
    /// One field of its records.
    public struct Field: Sendable, Hashable {
        /// The field's name, and that of its column.
        public var name: String
        /// The type of its values.
        public var type: ColumnType

        /// Creates a field.
        public init(_ name: String, _ type: ColumnType) {
            self.name = name
            self.type = type
        }

        /// The column as SQL names it.
        public var column: String { SQLWord.name(name) }
    }

    /// The columns that say where in the log a record stands, in the order in which records do.
    public static let placeColumns = ["message.topic", "message.partition", "message.offset", "message.element"].map {
        SQLWord.name($0)
    }
    /// The column of the event time.
    public static let eventTimeColumn = SQLWord.name("event.time")

    /// What a FROM clause calls it.
    public var name: String
    /// The fields of its records; none of messages.
    public var fields: [Field] = []
    /// Whether its records have an event time.
    public var hasEventTime = false

    /// Describes a relation.
    public init(name: String, fields: [Field] = [], hasEventTime: Bool = false) {
        self.name = name
        self.fields = fields
        self.hasEventTime = hasEventTime
    }

    /// The columns that are no fields.
    public var ownColumns: [String] { Self.placeColumns + (hasEventTime ? [Self.eventTimeColumn] : []) }

    /// Its fields as a schema against which an expression can be checked; columns have no numbers that mean anything.
    public var schema: RecordSchema {
        var schema = RecordSchema(
            fields: fields.enumerated().map { RecordSchema.Field(name: $1.name, type: $1.type, column: $0) },
            eventTimeColumn: nil)
        if hasEventTime { schema.eventTimeColumn = fields.count }
        return schema
    }

    /// The same records under another name.
    public func renamed(_ name: String) -> QueryRelation {
        var relation = self
        relation.name = name
        return relation
    }
}
