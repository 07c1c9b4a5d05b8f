/// A topology as its file declares it: every name resolved, every value of the right type, nothing built yet.
public struct TopologyDeclaration: Sendable {
    /// The topology's name: key of its positions and ledger in Postgres.
    public var name: String
    /// Where the name stands.
    public var nameLocation: SourceLocation
    /// Settings of the whole topology (`memory`, `commit_interval`, …), checked against the topology's field specs.
    public var settings: ConfigValue
    /// The nodes, sources first, each after all it reads from.
    public var nodes: [NodeDeclaration]

    /// Creates a declaration.
    public init(name: String, nameLocation: SourceLocation, settings: ConfigValue, nodes: [NodeDeclaration]) {
        self.name = name
        self.nameLocation = nameLocation
        self.settings = settings
        self.nodes = nodes
    }
}

/// One declared node.
public struct NodeDeclaration: Sendable {
    /// The node's name, unique in the topology.
    public var name: String
    /// Where the name stands.
    public var location: SourceLocation
    /// The node's type.
    public var spec: NodeSpec
    /// Indices of the nodes it reads from in `TopologyDeclaration.nodes`: none for a source, several whose records or
    /// messages come together here.
    public var inputs: [Int]
    /// Where each of them is named.
    public var inputLocations: [SourceLocation]
    /// The most batches at once in this node; nil runs it fused with its input.
    public var concurrency: Int?
    /// The most batches, or programs, at once in this node over all processes, and where that stands; nil for no bound.
    public var clusterConcurrency: (permits: Int, location: SourceLocation)?
    /// The declaration under the type's key: a map, or the shorthand already wrapped into one.
    public var config: ConfigValue

    /// Creates a node declaration.
    public init(
        name: String, location: SourceLocation, spec: NodeSpec, inputs: [Int], inputLocations: [SourceLocation],
        concurrency: Int?, clusterConcurrency: (permits: Int, location: SourceLocation)? = nil, config: ConfigValue
    ) {
        self.clusterConcurrency = clusterConcurrency
        self.name = name
        self.location = location
        self.spec = spec
        self.inputs = inputs
        self.inputLocations = inputLocations
        self.concurrency = concurrency
        self.config = config
    }
}
