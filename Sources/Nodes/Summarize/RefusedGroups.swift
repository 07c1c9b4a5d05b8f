import Synchronization

/// Groups of one summary whose rows the database refuses, so that their records become dead letters.
///
/// The commit thread adds to it while everything since the last commit is about to be dropped and read again; workers
/// look groups up. Kept in memory only: after a restart the database refuses again, and the groups are found again.
package final class RefusedGroups: Sendable {
    /// What a group is known by in every process.
    struct Group: Hashable {
        /// The start of its window, nil without windows.
        var windowStart: Int64?
        /// Its key's bytes as `GroupOrder` makes them.
        var key: [UInt8]
    }

    private struct State {
        var reasons: [Group: String] = [:]
        /// The groups in the order they came, as a ring once it is full.
        var order: [Group] = []
        var oldest = 0
    }

    private let count = Atomic<Int>(0)
    private let state = Mutex(State())

    /// A set without groups.
    package init() {}

    /// Whether no row was ever refused: one load, asked once per batch.
    var isEmpty: Bool { count.load(ordering: .acquiring) == 0 }

    /// Why a group's rows are refused, nil when they are not.
    func reason(for group: Group) -> String? { state.withLock { $0.reasons[group] } }

    /// Adds a group. Beyond `SinkLimits.refusedGroupsMax` the oldest is forgotten: should its records still come, the
    /// database refuses them again.
    func insert(_ group: Group, reason: String) {
        state.withLock { state in
            guard state.reasons.updateValue(reason, forKey: group) == nil else { return }
            if state.order.count < SinkLimits.refusedGroupsMax {
                state.order.append(group)
            } else {
                state.reasons[state.order[state.oldest]] = nil
                state.order[state.oldest] = group
                state.oldest = (state.oldest + 1) % state.order.count
            }
        }
        count.store(1, ordering: .releasing)
    }
}
