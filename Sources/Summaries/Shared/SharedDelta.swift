package import Dataflow

/// What one summary of several that are counted as one gets of an epoch.
///
/// All of them hold the same groups. The first does with these what is done once an epoch: it merges, completes and
/// releases them. Beside them stands what the summary has counted by itself.
///
/// `@unchecked Sendable`: it belongs to the commit thread, as its groups do.
package final class SharedDelta: Delta, @unchecked Sendable {
    private var groups: SummaryDelta?
    private var rest: SummaryDelta?
    private let view: SharedSummary.View
    private let isFirst: Bool
    private var made: SummaryDelta?

    /// - Parameters:
    ///   - groups: those that all share; nil when none of their batches was counted together.
    ///   - rest: what this one has counted by itself, if anything; the delta is its owner.
    ///   - view: what it sees of the groups.
    ///   - isFirst: whether it is the first of the summaries.
    package init(_ groups: SummaryDelta?, and rest: SummaryDelta?, as view: SharedSummary.View, isFirst: Bool) {
        precondition(groups != nil || rest != nil, "a delta is of an epoch that saw a row")
        self.groups = groups
        self.rest = rest
        self.view = view
        self.isFirst = isFirst
    }

    package var groupCount: Int { made?.groupCount ?? 0 }

    package func absorb(_ other: any Delta) {
        guard let other = other as? SharedDelta else { preconditionFailure("merged with another kind of delta") }
        Self.absorb(other.rest, into: &rest)
        if isFirst || groups == nil { Self.absorb(other.groups, into: &groups) }
    }

    private static func absorb(_ other: SummaryDelta?, into mine: inout SummaryDelta?) {
        guard let other else { return }
        if let mine { mine.absorb(other) } else { mine = other }
    }

    package func complete() {
        if isFirst { groups?.complete() }
        rest?.complete()
    }

    package func release() {
        if isFirst { groups?.release() }
        rest?.release()
    }

    /// The summary's own windows, sets and metrics; once all deltas of the epoch are complete.
    var summary: SummaryDelta {
        if let made { return made }
        let shared = groups.map { SummaryDelta(viewing: $0, as: view) }
        if let shared, let rest { unsafe rest.merge(shared) }
        guard let summary = rest ?? shared else { preconditionFailure("a delta is of an epoch that saw a row") }
        made = summary
        return summary
    }
}

extension ClosedEpoch {
    /// The groups of a summarizing node, nil when the epoch has none.
    package func summary(of node: Int) -> SummaryDelta? {
        let delta = deltas[node]
        return (delta as? SharedDelta)?.summary ?? delta as? SummaryDelta
    }
}
