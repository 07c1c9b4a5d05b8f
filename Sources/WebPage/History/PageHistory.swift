/// What a topology's charts show, over time. It lives in this process: it begins when the process does.
package struct TopologyHistory: Sendable {
    package var rate = FigureHistory()
    package var lag = FigureHistory()
    package var memory = FigureHistory()
    package var dead = FigureHistory()
    package var commit = FigureHistory()
    /// Records a second into each node, by its name.
    package var nodes: [String: Ring] = [:]
}

/// The rings of all topologies, within a bound: nothing in it grows.
package struct PageHistory: Sendable {
    /// Topologies that have one; those behind them, by name, have none.
    static let topologiesMax = 64
    /// Nodes of all topologies together.
    static let nodesMax = 512
    /// What all of it takes at most: 5 MiB.
    static let bytesMax = topologiesMax * 5 * FigureHistory.bytes + nodesMax * FigureHistory.seconds * 4

    package private(set) var topologies: [String: TopologyHistory] = [:]
    /// The second of the newest sample, since 1970.
    package private(set) var second = 0

    package init() {}

    /// Takes how everything is at a second.
    package mutating func record(_ statuses: [TopologyFigures], second: Int) {
        guard second > self.second else { return }
        self.second = second
        let names = Set(statuses.map(\.name))
        topologies = topologies.filter { names.contains($0.key) }
        var nodes = topologies.values.reduce(0) { $0 + $1.nodes.count }
        for status in statuses {
            guard topologies[status.name] != nil || topologies.count < Self.topologiesMax else { continue }
            var history = topologies[status.name] ?? TopologyHistory()
            history.rate.record(status.rate, second: second)
            history.lag.record(status.lag.map(Double.init) ?? .nan, second: second)
            history.memory.record(Double(status.memory), second: second)
            history.dead.record(Double(status.dead), second: second)
            history.commit.record(status.commitMilliseconds ?? .nan, second: second)
            let present = Set(status.nodes.map(\.name))
            nodes -= history.nodes.keys.count { !present.contains($0) }
            history.nodes = history.nodes.filter { present.contains($0.key) }
            for node in status.nodes {
                if history.nodes[node.name] == nil {
                    guard nodes < Self.nodesMax else { continue }
                    nodes += 1
                    history.nodes[node.name] = Ring(count: FigureHistory.seconds)
                }
                history.nodes[node.name]?.record(node.entering ?? .nan, step: second)
            }
            topologies[status.name] = history
        }
    }
}
