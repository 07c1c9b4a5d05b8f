public import Dataflow
import Synchronization

/// A source over a `ModelLog` whose assignments a test decides, as a consumer group would.
public final class ModelSource: Source {
    /// What the group tells a member.
    public enum Order: Sendable {
        /// These are yours.
        case assign([PartitionKey])
        /// Give these back in good order.
        case revoke([PartitionKey])
        /// These have been someone else's for a while.
        case lose([PartitionKey])
    }

    private let log: ModelLog
    private let orders = Mutex<[Order]>([])
    private let random: Mutex<SeededRandom>
    private let handled = Atomic<Int>(0)

    /// Creates a source that reads in random portions.
    public init(log: ModelLog, seed: UInt64) {
        self.log = log
        random = Mutex(SeededRandom(seed: seed))
    }

    /// Gives the source an order; it is carried out on the source's thread, between two batches.
    public func give(_ order: Order) { orders.withLock { $0.append(order) } }

    /// How many orders have been carried out.
    public var handledOrders: Int { handled.load(ordering: .acquiring) }

    /// Always idle: there is nothing to wait for.
    public var status: SourceStatus { SourceStatus() }

    /// Nothing to close.
    public func close(_ intake: Intake) {}

    /// Carries out orders and reads, until stopped.
    public func run(_ intake: Intake) throws {
        var positions: [PartitionKey: (index: Int, next: Int64)] = [:]
        while !intake.isStopping {
            if let order = orders.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                try carryOut(order, intake, &positions)
                handled.wrappingAdd(1, ordering: .releasing)
            }
            if intake.needsRewind { positions = Self.positions(try intake.reclaim()) }
            guard let batch = intake.makeBatch(timeout: .milliseconds(2)) else { continue }
            fill(batch, &positions)
            if batch.runs.isEmpty { intake.recycle(batch) } else { intake.submit(batch) }
        }
    }

    private static func positions(
        _ claimed: [(index: Int, partition: ClaimedPartition)]
    ) -> [PartitionKey: (index: Int, next: Int64)] {
        Dictionary(
            claimed.map { ($0.partition.key, (index: $0.index, next: $0.partition.nextOffset ?? 0)) },
            uniquingKeysWith: { first, _ in first })
    }

    private func carryOut(
        _ order: Order, _ intake: Intake, _ positions: inout [PartitionKey: (index: Int, next: Int64)]
    ) throws {
        switch order {
        case .assign(let keys):
            let claimed = try intake.claim(keys)
            try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
            positions.merge(Self.positions(claimed), uniquingKeysWith: { _, new in new })
        case .revoke(let keys):
            if !intake.flush(within: .seconds(5)) { intake.discard() }
            intake.release(keys.compactMap { positions.removeValue(forKey: $0)?.index })
        case .lose(let keys):
            intake.discard()
            intake.release(keys.compactMap { positions.removeValue(forKey: $0)?.index })
        }
    }

    /// Reads a random portion of a random subset of the partitions.
    private func fill(_ batch: Batch, _ positions: inout [PartitionKey: (index: Int, next: Int64)]) {
        random.withLock { random in
            for (key, place) in positions.sorted(by: { $0.key < $1.key }) where random.chance(60) {
                let values = log.partitions[key] ?? []
                let end = min(values.count, Int(place.next) + Int.random(in: 1...20, using: &random))
                guard end > place.next else { continue }
                let first = batch.messages.count
                for offset in Int(place.next)..<end {
                    unsafe withUnsafeBytes(of: values[offset]) {
                        unsafe batch.append($0, offset: Int64(offset), timestamp: nil)
                    }
                }
                batch.runs.append(
                    BatchRun(
                        partition: place.index, from: place.next, messages: first..<batch.messages.count, tombstones: 0,
                        nextOffset: Int64(end),
                        tail: Tail(offset: Int64(end - 1), timestamp: nil, checksum: values[end - 1])))
                positions[key]?.next = Int64(end)
            }
        }
    }
}
