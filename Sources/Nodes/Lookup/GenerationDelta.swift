import Dataflow
import Lookups
import Synchronization

/// Which contents of a dimension the records of an epoch were joined to: it is written with their positions.
final class GenerationDelta: Delta {
    /// The node.
    let node: String
    /// Where its rows are, as messages name it.
    let source: String
    private let state = Mutex(State())

    private struct State {
        var uses: [String: Use] = [:]
        var isStale = false
    }

    /// One content, and the partitions whose records were joined to it.
    struct Use {
        var generation: Generation
        var partitions: Set<Int>
    }

    init(node: String, source: String) {
        self.node = node
        self.source = source
    }

    /// The contents, by their digests.
    var uses: [Use] { state.withLock { $0.uses.values.sorted { $0.generation.number < $1.generation.number } } }

    /// Whether one of them was too old.
    var isStale: Bool { state.withLock { $0.isStale } }

    func note(_ generations: [Generation], _ partitions: some Sequence<Int>, isStale: Bool) {
        state.withLock { state in
            state.isStale = state.isStale || isStale
            for generation in generations {
                state.uses[generation.digest, default: Use(generation: generation, partitions: [])].partitions
                    .formUnion(partitions)
            }
        }
    }

    /// It has none: its records are counted where they are summarized.
    var groupCount: Int { 0 }

    func absorb(_ other: any Delta) {
        guard let other = other as? GenerationDelta else { preconditionFailure("deltas of two kinds of node") }
        for use in other.uses { note([use.generation], use.partitions, isStale: other.isStale) }
    }

    func complete() {}

    func release() {}
}
