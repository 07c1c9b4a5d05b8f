package import Declaration

/// Which summaries of a topology are behind which of its nodes: a record that one node has refused may be in the tables
/// behind others, and must not come there again.
package struct ReplayScope: Sendable {
    /// Nodes that keep summaries, by number; their places here are their bits.
    let summaries: [Int]
    /// Their names.
    let names: [String]
    /// Nodes that read messages, by number.
    let parsers: Set<Int>
    private let parserNames: Set<String>
    private var bits: [String: UInt64] = [:]

    /// More than that are not told apart.
    private static let summariesMax = 64

    /// - Throws: `SourceError` for a topology of too many summaries.
    package init(_ topology: CompiledTopology) throws {
        summaries = Set(topology.sinks.map(\.stage)).sorted()
        guard summaries.count <= Self.summariesMax else {
            throw SourceError(
                code: .file,
                description: "topology \(topology.name): it has \(summaries.count) summaries, expected at most "
                    + "\(Self.summariesMax) for a replay; divide it")
        }
        names = summaries.map { topology.stages[$0].name }
        parsers = Set(topology.sources.compactMap(\.child))
        parserNames = Set(parsers.map { topology.stages[$0].name })
        for stage in topology.stages.indices { bits[topology.stages[stage].name] = behind(stage, topology) }
        for sink in topology.sinks { bits[sink.name] = behind(sink.stage, topology) }
    }

    private func behind(_ stage: Int, _ topology: CompiledTopology) -> UInt64 {
        let own = summaries.firstIndex(of: stage).map { UInt64(1) << UInt64($0) } ?? 0
        return topology.stages[stage].children.reduce(own) { $0 | behind($1, topology) }
    }

    /// Every summary.
    var all: UInt64 { summaries.count == 64 ? .max : (1 << UInt64(summaries.count)) - 1 }

    /// The bit of a node that keeps a summary.
    func bit(of stage: Int) -> UInt64 { summaries.firstIndex(of: stage).map { 1 << UInt64($0) } ?? 0 }

    /// The summaries behind a node, none for a name that no node has.
    func behind(_ name: String) -> UInt64 { bits[name] ?? 0 }

    /// The summaries that lack the record of a letter.
    /// - Parameters:
    ///   - node: the letter's node.
    ///   - refusers: the nodes that have refused it, nil where the letter does not say.
    /// - Returns: nil when that cannot be told, with the reason.
    func lacking(node: String?, refusers: [String]?) -> (bits: UInt64, obstacle: String?) {
        guard let refusers else {
            let isWhole = node.map(parserNames.contains) ?? false
            if isWhole || summaries.count == 1 { return (all, nil) }
            return (
                0,
                "an earlier version wrote the letter and did not say which of the topology's summaries lack the record"
            )
        }
        let unknown = refusers.filter { bits[$0] == nil }
        guard unknown.isEmpty else {
            return (0, "the topology has no node \(unknown[0]) any more, which refused the record")
        }
        return (refusers.reduce(0) { $0 | behind($1) }, nil)
    }

    /// The names of summaries.
    func names(of bits: UInt64) -> [String] {
        names.indices.filter { bits & 1 << UInt64($0) != 0 }.map { names[$0] }
    }
}
