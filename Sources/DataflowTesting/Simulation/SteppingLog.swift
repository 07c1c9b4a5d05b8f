package import Dataflow
import Platform
import Synchronization

/// A topic of a simulation: partitions of 64-bit values and tombstones that grow, and whose logs may be replaced by
/// other ones.
package final class SteppingLog: Sendable {
    /// One log of a partition.
    struct Generation {
        var number: Int
        var values: [Int64]
        /// How many there are to be read so far.
        var available: Int
    }

    /// Stands for a message without a value, which is no record: it is filtered, and no clock sees it.
    static let tombstone: Int64 = -13

    private let tombstones: Int
    private let logs: Mutex<[PartitionKey: [Generation]]>
    /// Its partitions, in order.
    package let keys: [PartitionKey]

    /// Fills partitions with random values, of which a part is to be read.
    /// - Parameters:
    ///   - tombstones: in percent, how likely a stretch of tombstones begins at a record.
    ///   - refusesTheLast: whether the last value of each is one that a database refuses, and that comes only once.
    init(
        partitions: Int, records: Int, _ random: inout SeededRandom, available: Int, tombstones: Int,
        refusesTheLast: Bool
    ) {
        self.tombstones = tombstones
        keys = (0..<partitions).map { PartitionKey(topic: "log", partition: Int32($0)) }
        var made: [PartitionKey: [Generation]] = [:]
        for key in keys {
            made[key] = [
                Self.generation(0, records, available: records * available / 100, tombstones: tombstones, &random)
            ]
        }
        if refusesTheLast {
            let refused = (1_000..<10_000 as Range<Int64>).filter(Refusals.refuses)
            for (key, value) in zip(keys, refused) { made[key]![0].values[records - 1] = value }
        }
        logs = Mutex(made)
    }

    private static func generation(
        _ number: Int, _ records: Int, available: Int, tombstones: Int, _ random: inout SeededRandom
    ) -> Generation {
        var values = (0..<records).map { _ in Int64(bitPattern: random.next() >> 40) % 1_000 }
        // A log is known again by a record, so that the first message is one.
        var next = 1
        while tombstones > 0, next < records {
            let end = random.chance(tombstones) ? min(records, next + 1 + random.below(40)) : next
            for index in next..<end { values[index] = tombstone }
            next = end + 1
        }
        return Generation(number: number, values: values, available: available)
    }

    /// Everything is there to be read.
    func appendAll() {
        logs.withLock { logs in
            for key in keys {
                for index in logs[key]!.indices { logs[key]![index].available = logs[key]![index].values.count }
            }
        }
    }

    /// Some more records are there to be read.
    func append(_ count: Int) {
        for key in keys { append(count, to: key) }
    }

    /// Some more records of a partition are there to be read.
    func append(_ count: Int, to key: PartitionKey) {
        logs.withLock { logs in
            let last = logs[key]!.count - 1
            let log = logs[key]![last]
            logs[key]![last].available = min(log.values.count, log.available + count)
        }
    }

    /// The log of a partition is deleted, and another one of the same name is made.
    func replace(_ key: PartitionKey, records: Int, _ random: inout SeededRandom) {
        logs.withLock { logs in
            let log = Self.generation(
                logs[key]!.count, records, available: records, tombstones: tombstones, &random)
            logs[key]!.append(log)
        }
    }

    /// The logs that a partition has had.
    func generations(of key: PartitionKey) -> [Generation] { logs.withLock { $0[key]! } }

    /// The number of the log that a partition has now.
    func present(_ key: PartitionKey) -> Int { logs.withLock { $0[key]!.count - 1 } }

    /// Where the log of a partition ends.
    func end(of key: PartitionKey) -> Int64 { logs.withLock { Int64($0[key]!.last!.available) } }

    /// Values from an offset on, at most so many; nil when the log is another one than the reader's.
    func read(_ key: PartitionKey, of generation: Int, from offset: Int64, atMost count: Int) -> [Int64]? {
        logs.withLock { logs in
            let log = logs[key]!.last!
            guard log.number == generation else { return nil }
            guard offset < log.available else { return [] }
            return Array(log.values[Int(offset)..<min(log.available, Int(offset) + count)])
        }
    }

    /// The record before an offset, by which the log is known again.
    static func tail(of value: Int64, at offset: Int64, in generation: Int) -> Tail {
        let mixed = SeededRandom.mix(UInt64(bitPattern: value) ^ UInt64(generation) << 32 ^ UInt64(offset) << 40)
        return Tail(offset: offset, timestamp: nil, checksum: Int64(bitPattern: mixed))
    }

    /// Whether a record is still where it was, and the position is within the log.
    func holds(_ tail: Tail?, of key: PartitionKey, at position: Int64) -> Bool {
        logs.withLock { logs in
            let log = logs[key]!.last!
            guard position <= log.values.count else { return false }
            guard let tail else { return true }
            guard tail.offset < log.values.count else { return false }
            return Self.tail(of: log.values[Int(tail.offset)], at: tail.offset, in: log.number) == tail
        }
    }
}
