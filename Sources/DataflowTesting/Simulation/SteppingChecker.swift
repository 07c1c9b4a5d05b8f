import Dataflow
import Synchronization

/// Judges a simulation by the log alone: every record is in the tables once, and every transaction on the way held what
/// its positions said.
final class SteppingChecker: Sendable {
    private let log: SteppingLog
    private let refuses: Bool
    /// How many nodes tally each record.
    private let tallies: Int64
    private let list = Mutex<[String]>([])

    init(_ log: SteppingLog, refuses: Bool, tallies: Int) {
        self.log = log
        self.refuses = refuses
        self.tallies = Int64(tallies)
    }

    /// What is wrong.
    var findings: [String] { list.withLock { $0 } }

    func find(_ finding: String) { list.withLock { if $0.count < 8 { $0.append(finding) } } }

    func expect(_ isRight: Bool, _ finding: @autoclosure () -> String) { if !isRight { find(finding()) } }

    // MARK: What must come out

    /// What becomes of some records of one partition.
    struct Tally: Equatable {
        var table: [Int64: Int64] = [:]
        var counters = LedgerCounters()
        var dead: [Int64] = []
    }

    /// What becomes of the records from an offset to another in one of the logs a partition has had.
    func tally(_ values: [Int64], from: Int64, to: Int64) -> Tally {
        var tally = Tally()
        for offset in Int(from)..<max(Int(from), min(values.count, Int(to))) {
            let value = values[offset]
            tally.counters.read += 1
            if ModelLog.fate(of: value) == .dead || refuses && Refusals.refuses(value) {
                tally.counters.dead += 1
                tally.dead.append(Int64(offset))
            } else if ModelLog.fate(of: value) == .filtered {
                tally.counters.filtered += 1
            } else {
                tally.counters.applied += 1
                tally.table[ModelLog.group(of: value), default: 0] += value * tallies
            }
        }
        return tally
    }

    /// The clock of a partition that has shown these records.
    private static func clock(of values: [Int64], to: Int64) -> EventClock {
        var clock = EventClock()
        for value in values.prefix(Int(to)) where value != SteppingLog.tombstone { clock.see(value, reach: 0) }
        return clock
    }

    /// A clock is that of the records in front of its position, in the log that is read: whoever accepts another log
    /// gives up the clock of the one before.
    private func check(_ advance: PartitionAdvance, of epoch: ClosedEpoch) {
        guard let clock = advance.clock else { return }
        let expected = log.generations(of: advance.key).map { Self.clock(of: $0.values, to: advance.to) }
        expect(
            expected.contains(clock),
            "epoch \(epoch.number): the clock of \(advance.key) at \(advance.to) is \(clock), expected one of "
                + "\(expected)")
    }

    // MARK: On the way

    /// One transaction: its positions say what it holds.
    func audit(_ epoch: ClosedEpoch, isCommitted: Bool) {
        guard isCommitted else { return find("epoch \(epoch.number) does not follow on what was committed") }
        var table: [Int64: Int64] = [:]
        for case let delta as TallyDelta in epoch.deltas.values { table.merge(delta.table, uniquingKeysWith: +) }
        var possible = [[Int64: Int64]()]
        for advance in epoch.advances {
            let dead = epoch.deadLetters.filter { epoch.partitionKeys[$0.partition] == advance.key }.map(\.offset)
                .sorted()
            let fitting = log.generations(of: advance.key).map { tally($0.values, from: advance.from, to: advance.to) }
                .filter { $0.counters == advance.counters && $0.dead == dead }
            expect(
                !fitting.isEmpty,
                "epoch \(epoch.number): the ledger of \(advance.key) from \(advance.from) to \(advance.to)")
            check(advance, of: epoch)
            possible = possible.flatMap { sum in fitting.map { sum.merging($0.table, uniquingKeysWith: +) } }
        }
        expect(
            possible.contains { $0.filter { $0.value != 0 } == table.filter { $0.value != 0 } },
            "epoch \(epoch.number): its groups are not those of its positions")
    }

    // MARK: In the end

    /// The tables, the ledger and the dead letters are those of reading every record once.
    func check(_ database: ModelDatabase) {
        var table: [Int64: Int64] = [:]
        var dead: [ModelDatabase.DeadPlace] = []
        let (counters, accepted) = (database.counters, database.accepted)
        for key in log.keys {
            let logs = log.generations(of: key)
            var pieces = [tally(logs.last!.values, from: 0, to: .max)]
            if let end = accepted[key] { pieces.append(tally(logs[0].values, from: 0, to: end)) }
            var expected = LedgerCounters()
            for piece in pieces {
                table.merge(piece.table, uniquingKeysWith: +)
                expected += piece.counters
                dead += piece.dead.map { ModelDatabase.DeadPlace(key: key, offset: $0) }
            }
            expect(
                counters[key] == expected,
                "the ledger of \(key): \(counters[key].map { "\($0)" } ?? "none"), expected \(expected)")
        }
        expect(
            database.table.filter { $0.value != 0 } == table.filter { $0.value != 0 },
            "the table: \(database.table.sorted { $0.key < $1.key }), expected \(table.sorted { $0.key < $1.key })")
        let order = { (left: ModelDatabase.DeadPlace, right: ModelDatabase.DeadPlace) in
            (left.key, left.offset) < (right.key, right.offset)
        }
        let found = database.deadLetters
        expect(
            found.sorted(by: order) == dead.sorted(by: order),
            "the dead letters: \(found.count), expected \(dead.count)")
    }

    /// What processes say of their work is the ledger's.
    func check(_ instances: [SteppingInstance], against database: ModelDatabase) {
        let said = instances.reduce(0) { $0 + $1.pipeline.progress().records }
        let read = database.counters.values.reduce(0) { $0 + $1.read }
        expect(said == read, "the progress: \(said) records, \(read) in the ledger")
    }

    /// What an instance is left with after its end.
    /// - Parameter isOrderly: whether it was stopped when all was done, or ended by itself.
    func check(_ instance: SteppingInstance, isOrderly: Bool) {
        let name = instance.crew.name
        for complaint in instance.complaints where !instance.isFaulty { find("\(name) complains: \(complaint)") }
        guard case .returned(let error) = instance.standing else { return find("\(name) has not returned") }
        if let error {
            if !(error is UncommittedRecords) || isOrderly { find("\(name) ended with: \(error)") }
            if let error = error as? UncommittedRecords, !error.hanging.isEmpty { return }
        }
        guard isOrderly else { return }
        let rows = instance.memory.held(by: .rows)
        expect(rows == 0, "\(name) holds \(rows) bytes of rows")
        let progress = instance.pipeline.progress()
        expect(progress.uncommitted == 0, "\(name) has \(progress.uncommitted) records uncommitted")
    }
}
