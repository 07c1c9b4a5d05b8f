import Dataflow
import Synchronization

/// What the parts of a replay share: which letters are on their way, what their records turned out to be, what came of it.
///
/// The source puts letters here in the order of their offsets, the gate finds their records among those that were parsed,
/// and the target books them when their epoch is committed. After a rewind the source begins again where the last commit
/// ended.
package final class ReplayDesk: Sendable {
    let choice: ReplayChoice
    /// Whether nothing is to be changed.
    package let isRehearsal: Bool
    let scope: ReplayScope

    private struct State {
        /// Where each partition goes on: behind the last offset whose letters are booked.
        var positions: [PartitionKey: Int64] = [:]
        /// The rows of the partitions in the database.
        var rows: [PartitionKey: ClaimedPartition] = [:]
        /// Partitions by the engine's numbers.
        var keys: [Int: PartitionKey] = [:]
        /// Letters on their way, by offset.
        var pending: [PartitionKey: [ReplayLetter]] = [:]
        /// Which summaries lack the rows of a batch.
        var lacking: [ObjectIdentifier: (serial: UInt64, rows: [UInt64])] = [:]
        var tally = ReplayTally()
        var book: (any ReplayShelf)?
    }

    private let state = Mutex(State())

    /// - Parameter isRehearsal: whether everything is done and taken back.
    package init(_ choice: ReplayChoice, scope: ReplayScope, isRehearsal: Bool) {
        self.choice = choice
        self.scope = scope
        self.isRehearsal = isRehearsal
    }

    /// What became of the letters so far.
    package var tally: ReplayTally { state.withLock { $0.tally } }

    /// Where letters come from; set by the target.
    var shelf: (any ReplayShelf)? {
        get { state.withLock { $0.book } }
        set { state.withLock { $0.book = newValue } }
    }

    // MARK: - Partitions

    func note(_ rows: [ClaimedPartition]) {
        state.withLock { state in for row in rows { state.rows[row.key] = row } }
    }

    /// The row of a partition in the database, nil when there is none.
    func row(of key: PartitionKey) -> ClaimedPartition? { state.withLock { $0.rows[key] } }

    func position(of key: PartitionKey) -> Int64 { state.withLock { $0.positions[key] ?? 0 } }

    /// The source begins where these partitions stand; what was on its way is read again.
    func begin(_ partitions: [(index: Int, partition: ClaimedPartition)]) {
        state.withLock { state in
            for (index, partition) in partitions {
                state.keys[index] = partition.key
                state.pending[partition.key] = []
            }
        }
    }

    func key(ofIndex index: Int) -> PartitionKey? { state.withLock { $0.keys[index] } }

    // MARK: - Letters on their way

    func add(_ letters: [ReplayLetter], of key: PartitionKey) {
        state.withLock { $0.pending[key, default: []] += letters }
    }

    /// The letters of a stretch of a partition.
    func letters(of key: PartitionKey, _ range: Range<Int64>) -> [ReplayLetter] {
        state.withLock { state in
            guard let pending = state.pending[key] else { return [] }
            let start = Self.first(in: pending, from: range.lowerBound)
            let end = Self.first(in: pending, from: range.upperBound)
            return Array(pending[start..<end])
        }
    }

    /// Says why letters of some offsets, or of some numbers, stay as they are.
    func hold(of key: PartitionKey, in range: Range<Int64>, _ obstacle: (ReplayLetter) -> String?) {
        state.withLock { state in
            // Taken out, so that it is changed in place.
            guard var pending = state.pending.removeValue(forKey: key) else { return }
            let start = Self.first(in: pending, from: range.lowerBound)
            let end = Self.first(in: pending, from: range.upperBound)
            for index in start..<end where pending[index].obstacle == nil {
                pending[index].obstacle = obstacle(pending[index])
            }
            state.pending[key] = pending
        }
    }

    /// Says of letters of some offsets, by their numbers, which records stand in their place.
    func place(of key: PartitionKey, in range: Range<Int64>, _ found: [Int64: (parts: [ReplayPlace], isDivided: Bool)])
    {
        state.withLock { state in
            guard var pending = state.pending.removeValue(forKey: key) else { return }
            let start = Self.first(in: pending, from: range.lowerBound)
            let end = Self.first(in: pending, from: range.upperBound)
            for index in start..<end {
                guard let (parts, isDivided) = found[pending[index].id] else { continue }
                (pending[index].parts, pending[index].isDivided) = (parts, isDivided)
            }
            state.pending[key] = pending
        }
    }

    /// The first letter at or behind an offset.
    private static func first(in letters: [ReplayLetter], from offset: Int64) -> Int {
        var (low, high) = (0, letters.count)
        while low < high {
            let middle = (low + high) / 2
            if letters[middle].place.offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The epoch is in the database, or would be.
    func committed(_ advances: [PartitionAdvance], _ tally: ReplayTally) {
        state.withLock { state in
            for advance in advances {
                state.positions[advance.key] = advance.to
                let count = Self.first(in: state.pending[advance.key] ?? [], from: advance.to)
                state.pending[advance.key]?.removeFirst(count)
            }
            state.tally += tally
        }
    }

    /// Says of the letters of partitions that no source has begun that nothing reads them.
    func leaveOthers(of partitions: [(key: PartitionKey, count: Int64)]) {
        state.withLock { state in
            let begun = Set(state.keys.values)
            for partition in partitions where !begun.contains(partition.key) {
                let reason =
                    partition.key.topic.hasPrefix("exec:")
                    ? "it came from a program, which is not run again for a replay"
                    : "no source of the topology reads its topic or file any more"
                state.tally.untouched[reason, default: 0] += partition.count
            }
        }
    }

    // MARK: - Rows

    func setLacking(_ rows: [UInt64], of batch: Batch) {
        state.withLock { $0.lacking[ObjectIdentifier(batch)] = (batch.serial, rows) }
    }

    /// Which summaries lack the rows of a batch.
    func lacking(of batch: Batch) -> [UInt64] {
        state.withLock { state in
            guard let found = state.lacking[ObjectIdentifier(batch)], found.serial == batch.serial else { return [] }
            return found.rows
        }
    }
}

/// Where a replay finds its letters.
protocol ReplayShelf: AnyObject, Sendable {
    /// How many letters of the choice each partition has.
    func partitions(_ context: CommitContext) throws -> [(key: PartitionKey, count: Int64)]
    /// The letters of a partition from an offset on, by offset: whole offsets, at least one if any is left.
    func letters(of key: PartitionKey, from offset: Int64, _ context: CommitContext) throws -> [ReplayLetter]
}
