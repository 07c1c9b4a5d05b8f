import Synchronization

/// What went through a node; counted once a batch by whoever works on it.
final class NodeCounters: Sendable {
    private let entered = Atomic<Int64>(0)
    private let left = Atomic<Int64>(0)
    private let busyNanoseconds = Atomic<Int64>(0)
    private let atWork = Atomic<Int>(0)

    func enter(_ records: Int) { entered.wrappingAdd(Int64(records), ordering: .relaxed) }
    func leave(_ records: Int) { left.wrappingAdd(Int64(records), ordering: .relaxed) }

    /// A worker has taken a batch, with what comes behind it.
    func begin() { atWork.wrappingAdd(1, ordering: .relaxed) }
    /// It is done with it.
    func end() { atWork.wrappingSubtract(1, ordering: .relaxed) }
    /// Whether a worker has a batch.
    var isAtWork: Bool { atWork.load(ordering: .relaxed) > 0 }

    /// It was at work for so long, without what came behind it.
    func work(for time: Duration) {
        busyNanoseconds.wrappingAdd(Int64(time / .nanoseconds(1)), ordering: .relaxed)
    }

    func snapshot(_ name: String, groups: Int64, waiting: Int?, permits: PermitSnapshot?) -> NodeSnapshot {
        NodeSnapshot(
            name: name, entered: entered.load(ordering: .relaxed), left: left.load(ordering: .relaxed), groups: groups,
            busy: .nanoseconds(busyNanoseconds.load(ordering: .relaxed)), waiting: waiting,
            permits: permits)
    }
}
