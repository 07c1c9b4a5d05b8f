package import Dataflow
import Platform
import Synchronization

/// A source of a simulation: a member of a group that is told what it reads, or a reader of files, which ends.
package final class SteppingSource: Source {
    /// What the group tells a member.
    package enum Order: Sendable {
        /// These are yours.
        case assign([PartitionKey])
        /// Give these back in good order.
        case revoke([PartitionKey])
        /// These have been someone else's for a while.
        case lose([PartitionKey])
        /// Drop what is not committed, for a reason of your own.
        case discard
        /// Ask where everything stands, for a reason of your own.
        case ask
        /// Leave out some records, as a faulty client does.
        case skip
    }

    /// How it reads.
    package struct Style: Sendable {
        /// The most records of a partition in one go.
        var portion = 20
        /// In how many of 100 rounds it hands over what it has.
        var haste = 50
        /// Whether it takes a record although no batch is free.
        var keepsAlive = true
        /// How long it takes, at the most, to close the last of its files.
        var linger = Duration.zero
        /// The partitions it reads to their ends, after which it returns; nil: it is told.
        var files: [PartitionKey]?
    }

    let log: SteppingLog
    let scheduler: SteppingScheduler
    let style: Style
    private let box: Mutex<Box>

    private struct Box {
        var orders: [Order] = []
        var handled = 0
        var halted: Set<PartitionKey> = []
        var random: SeededRandom
    }

    init(_ log: SteppingLog, _ style: Style, seed: UInt64, scheduler: SteppingScheduler) {
        self.log = log
        self.style = style
        self.scheduler = scheduler
        box = Mutex(Box(random: SeededRandom(seed: seed)))
    }

    /// Gives an order; it is carried out between two batches.
    func give(_ order: Order) { box.withLock { $0.orders.append(order) } }

    /// Whether every order has been carried out.
    var isObedient: Bool { box.withLock { $0.orders.count == $0.handled } }

    /// Partitions whose logs are not those they were.
    var halted: Set<PartitionKey> { box.withLock { $0.halted } }

    func setHalted(_ keys: Set<PartitionKey>) { box.withLock { $0.halted = keys } }

    func nextOrder() -> Order? { box.withLock { $0.handled < $0.orders.count ? $0.orders[$0.handled] : nil } }

    func orderIsDone() { box.withLock { $0.handled += 1 } }

    func below(_ bound: Int) -> Int { box.withLock { $0.random.below(bound) } }

    func chance(_ percent: Int) -> Bool { box.withLock { $0.random.chance(percent) } }

    package var status: SourceStatus { SourceStatus() }

    package func close(_ intake: Intake) {}

    package func run(_ intake: Intake) throws {
        var reader = SteppingReader(self, intake)
        try reader.run()
    }
}
