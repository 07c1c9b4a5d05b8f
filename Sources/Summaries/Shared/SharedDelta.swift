package import Dataflow

/// What one summary of several that are counted as one gets of an epoch.
///
/// All of them hold the same groups. The first does with these what is done once an epoch: it merges, completes and
/// releases them.
///
/// `@unchecked Sendable`: it belongs to the commit thread, as its groups do.
package final class SharedDelta: Delta, @unchecked Sendable {
    private let groups: SummaryDelta
    private let plan: SummaryPlan
    private let places: [Int]
    private let isFirst: Bool
    private var made: SummaryDelta?

    /// - Parameters:
    ///   - groups: those that all share.
    ///   - plan: the summary as it was asked for.
    ///   - places: where its metrics stand among those of the groups.
    ///   - isFirst: whether it is the first of them.
    package init(_ groups: SummaryDelta, as plan: SummaryPlan, places: [Int], isFirst: Bool) {
        self.groups = groups
        self.plan = plan
        self.places = places
        self.isFirst = isFirst
    }

    package var groupCount: Int { groups.groupCount }

    package func absorb(_ other: any Delta) {
        guard let other = other as? SharedDelta else { preconditionFailure("merged with another kind of delta") }
        if isFirst { groups.absorb(other.groups) }
    }

    package func complete() {
        if isFirst { groups.complete() }
    }

    package func release() {
        if isFirst { groups.release() }
    }

    /// The groups with the summary's own metrics; once all deltas of the epoch are complete.
    var summary: SummaryDelta {
        if let made { return made }
        let view = SummaryDelta(viewing: groups, as: plan, places: places)
        made = view
        return view
    }
}

extension ClosedEpoch {
    /// The groups of a summarizing node, nil when the epoch has none.
    package func summary(of node: Int) -> SummaryDelta? {
        let delta = deltas[node]
        return (delta as? SharedDelta)?.summary ?? delta as? SummaryDelta
    }
}
