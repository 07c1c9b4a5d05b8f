public import Dataflow
import Foundation
import Platform
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
        var reading = Reading()
        while !intake.isStopping {
            if let order = orders.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                try carryOut(order, intake, &reading)
                handled.wrappingAdd(1, ordering: .releasing)
            }
            if intake.needsRewind { try rewind(intake, &reading) }
            // Its group would assign them again to a member that joins anew.
            let claimable = intake.takeClaimable()
            if !claimable.isEmpty { try claim(claimable, intake, &reading) }
            guard let batch = intake.makeBatch(timeout: .milliseconds(2)) else { continue }
            fill(batch, &reading)
            guard batch.runs.isEmpty else {
                intake.submit(batch)
                continue
            }
            intake.recycle(batch)
            // At the end of what there is, a consumer waits in its poll.
            usleep(500)
        }
    }

    /// What is being read.
    private struct Reading {
        var positions: [PartitionKey: (index: Int, next: Int64)] = [:]
        /// Partitions that the group says are ours, those included that the database says are not.
        var indices: [PartitionKey: Int] = [:]
    }

    private func rewind(_ intake: Intake, _ reading: inout Reading) throws {
        let still = try intake.reclaim().owned
        reading.positions = [:]
        try begin(still, intake, &reading)
    }

    private func claim(_ keys: [PartitionKey], _ intake: Intake, _ reading: inout Reading) throws {
        try begin(try intake.claim(keys), intake, &reading)
    }

    private func begin(
        _ claimed: [(index: Int, partition: ClaimedPartition)], _ intake: Intake, _ reading: inout Reading
    ) throws {
        try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        for (index, partition) in claimed {
            reading.indices[partition.key] = index
            reading.positions[partition.key] = (index, partition.nextOffset ?? 0)
        }
    }

    private func carryOut(_ order: Order, _ intake: Intake, _ reading: inout Reading) throws {
        switch order {
        case .assign(let keys): try claim(keys, intake, &reading)
        case .revoke(let keys):
            if !intake.flush(within: .seconds(5)) { intake.discard() }
            release(keys, intake, &reading)
        case .lose(let keys):
            intake.discard()
            release(keys, intake, &reading)
        }
    }

    private func release(_ keys: [PartitionKey], _ intake: Intake, _ reading: inout Reading) {
        for key in keys { reading.positions[key] = nil }
        intake.release(keys.compactMap { reading.indices.removeValue(forKey: $0) })
    }

    /// Reads a random portion of a random subset of the partitions.
    private func fill(_ batch: Batch, _ reading: inout Reading) {
        random.withLock { random in
            for (key, place) in reading.positions.sorted(by: { $0.key < $1.key }) where random.chance(60) {
                let end = min(
                    log.partitions[key, default: []].count, Int(place.next) + Int.random(in: 1...20, using: &random))
                guard end > place.next else { continue }
                log.append(Int(place.next)..<end, of: key, at: place.index, to: batch)
                reading.positions[key]?.next = Int64(end)
            }
        }
    }
}
