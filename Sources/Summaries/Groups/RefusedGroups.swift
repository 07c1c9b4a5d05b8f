package import Dataflow
import Synchronization

/// Groups of one summary whose rows the database refuses, so that their records become dead letters.
///
/// The commit thread adds to it while everything since the last commit is about to be dropped and read again; workers
/// look groups up. Kept in memory only: after a restart the database refuses again, and the groups are found again.
package final class RefusedGroups: Sendable {
    /// What a group is known by in every process.
    package struct Group: Hashable {
        /// The position of its window among those of its summary; 0 without windows.
        var window: Int
        /// The start of its window, nil without windows.
        var windowStart: Int64?
        /// Its key's bytes as `GroupOrder` makes them.
        package var key: [UInt8]

        /// A group by window and key.
        package init(window: Int = 0, windowStart: Int64?, key: [UInt8]) {
            self.window = window
            self.windowStart = windowStart
            self.key = key
        }
    }

    /// Two hashes of a group, seeded by the process: 128 bits stand for a key of any length, which somebody else chose.
    private struct Fingerprint: Hashable {
        private let first: Int
        private let second: Int

        init(_ group: Group) {
            func hash(_ seed: Int) -> Int {
                var hasher = Hasher()
                hasher.combine(seed)
                hasher.combine(group)
                return hasher.finalize()
            }
            first = hash(1)
            second = hash(2)
        }
    }

    private struct State {
        /// Where the fault of a group stands in `faults`.
        var groups: [Fingerprint: Int] = [:]
        /// The groups in the order they came, as a ring once it is full.
        var order: [Fingerprint] = []
        var oldest = 0
        var faults: [RecordFault] = []
        var places: [RecordFault: Int] = [:]

        /// Where a fault stands.
        mutating func place(of fault: RecordFault) -> Int {
            if let known = places[fault] { return known }
            guard faults.count < SummaryLimits.refusalReasonsMax else { return faults.count - 1 }
            places[fault] = faults.count
            faults.append(fault)
            return faults.count - 1
        }
    }

    private let count = Atomic<Int>(0)
    private let state = Mutex(State())
    private let groupsMax: Int

    /// A set without groups.
    package convenience init() { self.init(groupsMax: SummaryLimits.refusedGroupsMax) }

    /// - Parameter groupsMax: how many are remembered.
    package init(groupsMax: Int) { self.groupsMax = groupsMax }

    /// Whether no row was ever refused: one load, asked once per batch.
    package var isEmpty: Bool { count.load(ordering: .acquiring) == 0 }

    /// Why a group's rows are refused, nil when they are not.
    package func fault(of group: Group) -> RecordFault? {
        if isEmpty { return nil }
        let fingerprint = Fingerprint(group)
        return state.withLock { state in state.groups[fingerprint].map { state.faults[$0] } }
    }

    /// Adds a group. Beyond the most that are remembered the oldest is forgotten: should its records still come, the
    /// database refuses them again. Of faults the first `SummaryLimits.refusalReasonsMax` are kept, a later one is the last.
    package func insert(_ group: Group, _ fault: RecordFault) {
        let fingerprint = Fingerprint(group)
        state.withLock { state in
            let place = state.place(of: fault)
            guard state.groups.updateValue(place, forKey: fingerprint) == nil else { return }
            if state.order.count < groupsMax {
                state.order.append(fingerprint)
            } else {
                state.groups[state.order[state.oldest]] = nil
                state.order[state.oldest] = fingerprint
                state.oldest = (state.oldest + 1) % state.order.count
            }
        }
        count.store(1, ordering: .releasing)
    }
}
