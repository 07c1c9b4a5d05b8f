/// The declaration of a node type: the single source for reading YAML, defaults, diagnostics and the reference page.
public struct NodeSpec: Sendable {
    /// What a node does in the graph.
    public enum Kind: String, Sendable {
        /// Brings messages in; has no `from`.
        case source
        /// Turns batches into batches or groups.
        case `operator`
        /// Takes rows out; feeds nothing.
        case sink
    }

    /// What the node type is called, e.g. `parse_json`; no two have one name.
    public var name: String
    /// The key that selects it in a topology file. A source and an operator may share one: the operator has a `from`.
    public var word: String
    /// Source, operator or sink.
    public var kind: Kind
    /// One sentence for the reference page.
    public var summary: String
    /// The declaration's fields. A node may also be declared by a bare value (see `shorthand`).
    public var fields: [FieldSpec]
    /// The field that a bare value stands for: `filter: "x > 1"` means `filter: { where: "x > 1" }`. A map stands for it when
    /// it is the only field and a map of names that the user chooses: `rename: { new: old }`.
    public var shorthand: String?
    /// A complete, runnable example for the reference page: the node's YAML, indented from column 0.
    public var example: String

    /// The field that a map stands for, which holds names that the user chooses.
    public var mapField: FieldSpec? {
        guard fields.count == 1, fields[0].name == shorthand, case .map = fields[0].type else { return nil }
        return fields[0]
    }

    /// Creates a spec.
    public init(
        name: String, word: String? = nil, kind: Kind, summary: String, fields: [FieldSpec], shorthand: String? = nil,
        example: String
    ) {
        self.name = name
        self.word = word ?? name
        self.kind = kind
        self.summary = summary
        self.fields = fields
        self.shorthand = shorthand
        self.example = example
    }
}

/// One field of a node's declaration.
public struct FieldSpec: Sendable {
    /// The key in the topology file.
    public var name: String
    /// What the value must be.
    public var type: SpecType
    /// One sentence for the reference page; names the unit.
    public var summary: String
    /// Whether the field must be given.
    public var isRequired: Bool
    /// The value used when absent, as the user would write it; nil when there is none.
    public var defaultText: String?
    /// An example value, as the user would write it.
    public var example: String?

    /// Creates a field spec.
    public init(
        _ name: String, _ type: SpecType, _ summary: String, required: Bool = false, default defaultText: String? = nil,
        example: String? = nil
    ) {
        self.name = name
        self.type = type
        self.summary = summary
        self.isRequired = required
        self.defaultText = defaultText
        self.example = example
    }
}

/// What a value of a topology file must be.
public indirect enum SpecType: Sendable {
    /// Any text.
    case string
    /// Text that holds credentials: never shown in diagnostics or logs. Should come from `${NAME}`.
    case secret
    /// A whole number in a range.
    case integer(ClosedRange<Int64>)
    /// A size such as `512MiB`, `64KiB` or a number of bytes.
    case bytes(ClosedRange<Int64>)
    /// A length of time such as `500ms`, `1m`, `7d`.
    case duration(ClosedRange<Duration>)
    /// The length of a window: a length of time, or a unit of the calendar such as `1 day`, of which the word is kept.
    case windowLength(ClosedRange<Duration>)
    /// `true` or `false`.
    case boolean
    /// One of these words.
    case choice([String])
    /// The name of a field of the incoming records.
    case fieldName
    /// An expression of the filter language over the incoming records.
    case expression
    /// A metric such as `percentiles(duration_ms, 50, 95)`.
    case metric
    /// A field type such as `text` or `decimal(2)`.
    case recordFieldType
    /// A sequence; a single value stands for a sequence of one.
    case list(SpecType)
    /// A mapping from names the user chooses.
    case map(SpecType)
    /// A mapping from names the user chooses, of which a name alone or a list of names is the short form: each then stands
    /// for the value `bare`, or, where that is nil, for itself.
    case names(SpecType, bare: String?)
    /// One value, or a mapping from names the user chooses to such values.
    case perName(SpecType)
    /// A mapping with these fields.
    case object([FieldSpec])
    /// A mapping with these fields; a bare value stands for the one called `shorthand`.
    case shorthandObject(String, [FieldSpec])
}
