public import Dataflow
import Platform

/// A topic in memory: partitions of 64-bit values, and what a right pipeline makes of them.
public struct ModelLog: Sendable {
    /// The values by partition; the offset is the index.
    public let partitions: [PartitionKey: [Int64]]

    /// Fills `partitions` partitions with `records` random values each.
    public init(partitions: Int, records: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var made: [PartitionKey: [Int64]] = [:]
        for number in 0..<partitions {
            made[PartitionKey(topic: "model", partition: Int32(number))] = (0..<records).map { _ in
                Int64.random(in: 0..<1_000, using: &random)
            }
        }
        self.partitions = made
    }

    /// What becomes of a record, as `TallyOperator` decides it.
    public enum Fate: Sendable {
        /// It is added to its group.
        case applied
        /// No node wants it.
        case filtered
        /// The parser refuses it.
        case dead
    }

    /// What becomes of `value`.
    public static func fate(of value: Int64) -> Fate {
        if value % 17 == 0 { return .dead }
        return value % 13 == 0 ? .filtered : .applied
    }

    /// The group of `value`.
    public static func group(of value: Int64) -> Int64 { value % 7 }

    /// The table that must come out: the sum of the applied values by group.
    public var expectedTable: [Int64: Int64] {
        var table: [Int64: Int64] = [:]
        for value in partitions.values.joined() where Self.fate(of: value) == .applied {
            table[Self.group(of: value), default: 0] += value
        }
        return table
    }

    /// The ledger that must come out for one partition.
    public func expectedCounters(of key: PartitionKey) -> LedgerCounters {
        var counters = LedgerCounters()
        for value in partitions[key] ?? [] {
            counters.read += 1
            switch Self.fate(of: value) {
            case .applied: counters.applied += 1
            case .filtered: counters.filtered += 1
            case .dead: counters.dead += 1
            }
        }
        return counters
    }
}

extension ModelLog {
    /// The log with one of its partitions only.
    public func only(_ key: PartitionKey) -> ModelLog { ModelLog(of: partitions.filter { $0.key == key }) }

    private init(of partitions: [PartitionKey: [Int64]]) { self.partitions = partitions }

    /// Hands over a range of a partition in a batch of its own.
    /// - Returns: whether there was a batch, which there is unless the pipeline ends.
    public func submit(_ range: Range<Int>, of key: PartitionKey, at index: Int, to intake: Intake) -> Bool {
        guard let batch = intake.makeBatch(timeout: .seconds(60)) else { return false }
        append(range, of: key, at: index, to: batch)
        intake.submit(batch)
        return true
    }

    /// Appends a range of a partition to a batch, as one run that begins where the range does.
    /// - Parameter index: what `Intake.claim` called the partition.
    public func append(_ range: Range<Int>, of key: PartitionKey, at index: Int, to batch: Batch) {
        let values = partitions[key] ?? []
        let first = batch.messages.count
        for offset in range {
            unsafe withUnsafeBytes(of: values[offset]) {
                unsafe batch.append($0, offset: Int64(offset), timestamp: nil)
            }
        }
        batch.runs.append(
            BatchRun(
                partition: index, from: Int64(range.lowerBound), messages: first..<batch.messages.count, tombstones: 0,
                nextOffset: Int64(range.upperBound),
                tail: range.last.map { Tail(offset: Int64($0), timestamp: nil, checksum: values[$0]) }
                    ?? Tail(offset: 0, timestamp: nil, checksum: 0)))
    }
}
