/// A type of node: it declares itself, checks its declarations, and makes plans that build it.
///
/// A node type is one folder and one line of the catalog. Nothing else knows it by name.
public protocol NodeType: Sendable {
    /// What a declaration of it may hold.
    static var spec: NodeSpec { get }

    /// Checks a declaration against what feeds it.
    ///
    /// It is given declarations with errors too, and checks what can be checked: where a diagnostic has said already that
    /// something is no good (`invalid` values, an input of which nothing is known), it goes on with what is known and is
    /// silent.
    /// - Parameters:
    ///   - input: what it reads; `.none` for a source.
    ///   - topology: the topology's name.
    ///   - problems: gets everything that is wrong with it.
    static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode

    /// Changes a declaration into that of a topology that is made anew beside the one that runs: a source reads all there
    /// is, for itself; a sink writes beside what the other one writes.
    /// - Parameter name: gives what stands beside a table, or whatever else has a name.
    static func setBeside(_ config: inout ConfigValue, naming name: (String) -> String)
}

extension NodeType {
    /// Most nodes touch nothing outside of their topology.
    public static func setBeside(_ config: inout ConfigValue, naming name: (String) -> String) {}
}

/// What a node hands on.
public enum Edge: Sendable {
    /// Nothing: what a source reads, and what a sink hands on.
    case none
    /// Messages as they came, and what they have beside their payload.
    case messages(MessageOffer)
    /// Records with these fields.
    case records(RecordSchema)
    /// Groups and their metrics.
    case groups(any GroupSchema)
    /// Nothing is known of it, and a diagnostic says why.
    case unknown

    /// What its messages have beside their payload, nil when there are none.
    var offer: MessageOffer? { if case .messages(let offer) = self { offer } else { nil } }

    /// The fields of its records, nil when there are none.
    var schema: RecordSchema? { if case .records(let schema) = self { schema } else { nil } }

    /// Whether it is `.messages`.
    public var isMessages: Bool { if case .messages = self { true } else { false } }

    /// The fields of the records that feed a node; of an open schema when nothing is known of them.
    /// - Parameter parser: a type of node that makes records of messages, for the advice.
    public func records(
        for node: NodeDeclaration, parsedBy parser: String, _ problems: inout Diagnostics
    ) -> RecordSchema {
        switch self {
        case .records(let schema): return schema
        case .messages: node.misplaced("reads records; put a \(parser) between it and the source", &problems)
        case .groups: node.misplaced("reads records, not groups", &problems)
        case .none, .unknown: break
        }
        return .open
    }

    /// The groups that feed a node, nil when a diagnostic says why there are none.
    /// - Parameter maker: the type of node that makes such groups, for the advice.
    public func groups<Schema: GroupSchema>(
        _ type: Schema.Type, for node: NodeDeclaration, madeBy maker: String, _ problems: inout Diagnostics
    ) -> Schema? {
        switch self {
        case .groups(let schema as Schema): return schema
        case .messages, .records, .groups: node.misplaced("takes the groups of a \(maker) node", &problems)
        case .none, .unknown: break
        }
        return nil
    }

    /// Makes sure that a node is fed by a source.
    public func expectMessages(for node: NodeDeclaration, _ problems: inout Diagnostics) {
        switch self {
        case .records, .groups: node.misplaced("reads the messages of a source", &problems)
        case .messages, .none, .unknown: break
        }
    }
}

/// What is known of groups on an edge; the node types that make and take them agree on what it is.
public protocol GroupSchema: Sendable {}

/// A checked node.
public struct CompiledNode: Sendable {
    /// What it is in the running topology.
    public enum Part: Sendable {
        /// Brings messages in.
        case source(any SourcePlan)
        /// Turns batches into batches or groups.
        case stage(any StagePlan)
        /// Takes groups out.
        case sink(any SinkPlan)
        /// A diagnostic says why it cannot be built.
        case broken
    }

    /// What it hands on, as far as it is known: also of a node that cannot be built, so that those behind are checked.
    public var output: Edge
    /// What it is in the running topology.
    public var part: Part
    /// What it reads or writes outside of the topology.
    public var resources: [any Resource]

    /// A checked node.
    public init(_ part: Part, output: Edge = .none, resources: [any Resource] = []) {
        self.output = output
        self.part = part
        self.resources = resources
    }
}

/// Something outside of the topology that a node reads or writes.
public protocol Resource: Sendable {
    /// What is wrong with this one when another node, or the same, has declared `earlier`; nil when they have nothing to
    /// do with each other.
    func clash(with earlier: any Resource) -> Diagnostic?
    /// What is wrong when these are all that the topology has; nil when nothing is missing.
    func lack(among all: [any Resource]) -> Diagnostic?
}

extension Resource {
    /// It has nothing to do with others.
    public func clash(with earlier: any Resource) -> Diagnostic? { nil }
    /// It needs no others.
    public func lack(among all: [any Resource]) -> Diagnostic? { nil }
}

extension NodeDeclaration {
    /// Says that the node stands where it cannot stand.
    fileprivate func misplaced(_ what: String, _ problems: inout Diagnostics) {
        problems.append(
            Diagnostic(
                code: "misplaced-node", at: inputLocations.first ?? location,
                "node \(name) is a \(spec.word), which \(what)"))
    }
}
