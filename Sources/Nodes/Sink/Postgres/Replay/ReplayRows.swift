import Dataflow
import Postgres

/// Books what became of letters, inside the transaction that writes their records into the tables: letters whose records
/// could be used go, the others say what is wrong now, and the ledger moves the records from one fate to another.
final class ReplayRows: EpochSink {
    private let book: ReplayBook
    private let registration: Registration
    private let definition: TableDefinition
    private let letters: DeadLetterRows
    /// What the epoch that was written last has come to.
    private var written: ReplayTally?

    init(
        _ book: ReplayBook, _ registration: Registration, _ definition: TableDefinition, memory: MemoryAccountant
    ) {
        self.book = book
        self.registration = registration
        self.definition = definition
        letters = DeadLetterRows(topology: book.topology, memory: memory)
    }

    /// What becomes of the letters of one partition.
    private struct Outcome {
        var key: PartitionKey
        var done: [ReplayLetter] = []
        var failed: [(letter: ReplayLetter, now: DeadLetter)] = []
        /// Letters of records that were no records of their own when they were read.
        var new: [DeadLetter] = []
        var counters = LedgerCounters()
        var tally = ReplayTally()
    }

    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws {
        // From here to the end of the transaction no other definition takes over.
        try registration.check(definition, locking: true, &connection)
        var tally = ReplayTally()
        for advance in epoch.advances where advance.to > advance.from {
            let outcome = outcome(of: advance, epoch)
            try delete(outcome.done, of: outcome.key, &connection)
            try rewrite(outcome.failed, of: outcome.key, &connection)
            try letters.write(outcome.new, epoch.partitionKeys, &connection)
            try move(outcome.counters, of: outcome.key, &connection)
            tally += outcome.tally
        }
        if !book.desk.isRehearsal { try add(tally, &connection) }
        written = tally
    }

    func committed(_ epoch: ClosedEpoch) {
        if !book.desk.isRehearsal { book.committed() }
        book.desk.committed(epoch.advances, written ?? ReplayTally())
        written = nil
    }

    // MARK: - What became of them

    private func outcome(of advance: PartitionAdvance, _ epoch: ClosedEpoch) -> Outcome {
        var outcome = Outcome(key: advance.key)
        var failures: [ReplayPlace: DeadLetter] = [:]
        for letter in epoch.deadLetters where epoch.partitionKeys[letter.partition] == advance.key {
            failures[ReplayPlace(letter)] = letter
        }
        var applied = advance.counters.applied
        var tried: Int64 = 0
        for letter in book.desk.letters(of: advance.key, advance.from..<advance.to) {
            if let obstacle = letter.obstacle {
                outcome.tally.untouched[obstacle, default: 0] += 1
                continue
            }
            tried += 1
            if letter.isDead { outcome.counters.dead -= 1 } else { outcome.counters.refused -= 1 }
            if letter.isDivided {
                outcome.done.append(letter)
                // In the place of one record there are these.
                outcome.counters.read += Int64(letter.parts.count) - 1
                tried += Int64(letter.parts.count) - 1
                if letter.parts.isEmpty { outcome.tally.filtered += 1 }
                for now in letter.parts.compactMap({ failures.removeValue(forKey: $0) }) {
                    if let still = stillFailing(letter, now, &outcome) {
                        outcome.new.append(still)
                    } else {
                        applied += 1
                    }
                }
            } else if let now = letter.parts.first.flatMap({ failures.removeValue(forKey: $0) }) {
                if let still = stillFailing(letter, now, &outcome) {
                    outcome.failed.append((letter, still))
                } else {
                    outcome.done.append(letter)
                    applied += 1
                }
            } else {
                outcome.done.append(letter)
            }
        }
        outcome.counters.applied = applied
        outcome.counters.filtered = tried - applied - outcome.tally.failures
        outcome.tally.applied = applied
        outcome.tally.filtered += outcome.counters.filtered
        return outcome
    }

    /// Counts a record that failed again, with what it lacks now; nil when it was refused only where it has been all along:
    /// every table that lacked it has it now.
    private func stillFailing(_ letter: ReplayLetter, _ now: DeadLetter, _ outcome: inout Outcome) -> DeadLetter? {
        guard let stillLacking = stillLacking(letter, now) else { return nil }
        var now = now
        now.refusers = stillLacking
        outcome.tally.failed[now.fault.code, default: 0] += 1
        if now.isDead { outcome.counters.dead += 1 } else { outcome.counters.refused += 1 }
        if !now.isDead { outcome.tally.refused += 1 }
        return now
    }

    /// Which nodes a record that was refused again is missing behind: of those that lacked it before, the ones behind who
    /// refuses it now. Nil when none is; empty for all.
    private func stillLacking(_ letter: ReplayLetter, _ now: DeadLetter) -> [String]? {
        let scope = book.desk.scope
        let refusing = now.refusers.isEmpty ? scope.all : now.refusers.reduce(0) { $0 | scope.behind($1) }
        let bits = letter.lacking & refusing
        if bits == 0 { return nil }
        return bits == scope.all && now.refusers.isEmpty ? [] : scope.names(of: bits)
    }

    // MARK: - Statements

    /// Runs a statement that joins letters to many values. Letters come in bursts, so what the planner knows of the table may be
    /// from when it was all but empty; then it compares each with each.
    private static func joining(
        _ connection: inout Connection, _ run: (inout Connection) throws -> QueryResult
    ) throws -> QueryResult {
        try connection.execute("SET LOCAL enable_nestloop = off")
        let result = try run(&connection)
        try connection.execute("SET LOCAL enable_nestloop TO DEFAULT")
        return result
    }

    private func delete(
        _ letters: [ReplayLetter], of key: PartitionKey, _ connection: inout Connection
    ) throws {
        var rest = letters[...]
        while !rest.isEmpty {
            let part = rest.prefix(SinkLimits.rowsPerStatement)
            rest = rest.dropFirst(part.count)
            var rows = RowBuilders([.int8, .text, .text])
            for letter in part { rows.append(asRead: letter) }
            let deleted = try Self.joining(&connection) { connection in
                try connection.query(
                    """
                    DELETE FROM millrace.dead_letters d
                    USING unnest($1::bigint[], $2::text[], $3::text[]) AS k(id, counted, refused_by)
                    WHERE d.id = k.id AND d.topology = $4 AND d.counted IS NOT DISTINCT FROM k.counted
                        AND d.refused_by IS NOT DISTINCT FROM k.refused_by
                    """, rows.parameters + [.text(book.topology)])
            }
            try LettersMoved.check(deleted.affectedRows, of: part.count, key)
        }
    }

    private func rewrite(
        _ failed: [(letter: ReplayLetter, now: DeadLetter)], of key: PartitionKey, _ connection: inout Connection
    ) throws {
        let encoding = connection.serverParameter("server_encoding")
        var rest = failed[...]
        while !rest.isEmpty {
            let part = rest.prefix(SinkLimits.rowsPerStatement)
            rest = rest.dropFirst(part.count)
            var rows = RowBuilders([.int8] + Array(repeating: .text, count: 9))
            for (letter, now) in part {
                rows.append(asRead: letter)
                let fault = now.fault
                for (place, text) in [fault.code, fault.node, fault.field, fault.found, fault.reason].enumerated() {
                    rows.columns[3 + place].append(text.map { ReasonText.storable($0, encoding: encoding) })
                }
                rows.columns[8].append(now.isDead ? "dead" : "refused")
                rows.columns[9].append(now.refusers.isEmpty ? nil : now.refusers.joined(separator: "\n"))
            }
            let updated = try Self.joining(&connection) { connection in
                try connection.query(
                    """
                    UPDATE millrace.dead_letters d SET cause = k.cause, node = k.node, field = k.field, found = k.found,
                        reason = k.reason, counted = k.counted, refused_by = k.refused_by, written_at = pg_catalog.now()
                    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                        $8::text[], $9::text[], $10::text[])
                        AS k(id, was_counted, was_refused_by, cause, node, field, found, reason, counted, refused_by)
                    WHERE d.id = k.id AND d.topology = $11 AND d.counted IS NOT DISTINCT FROM k.was_counted
                        AND d.refused_by IS NOT DISTINCT FROM k.was_refused_by
                    """, rows.parameters + [.text(book.topology)])
            }
            try LettersMoved.check(updated.affectedRows, of: part.count, key)
        }
    }

    /// Moves records of a partition from one fate to another. What was read stays as many, unless a letter was of more than
    /// one.
    private func move(_ counters: LedgerCounters, of key: PartitionKey, _ connection: inout Connection) throws {
        guard counters != LedgerCounters() else { return }
        let values = [counters.applied, counters.filtered, counters.dead, counters.refused, counters.read]
        let moved = try connection.query(
            """
            UPDATE millrace.partitions SET applied = applied + $4, filtered = filtered + $5, dead = dead + $6,
                refused = refused + $7, read = read + $8
            WHERE topology = $1 AND topic = $2 AND partition = $3 AND dead + $6 >= 0 AND refused + $7 >= 0
            """, [.text(book.topology), .text(key.topic), .int32(key.partition)] + values.map { .int64($0) })
        guard moved.affectedRows != 1 else { return }
        throw SinkError(
            code: .historyMismatch,
            description:
                "topology \(book.topology), \(key): the ledger in millrace.partitions counts fewer dead and refused records "
                + "than there are letters, so the letters are of before somebody changed it; discard them (millrace "
                + "dead-letters discard)")
    }

    private func add(_ tally: ReplayTally, _ connection: inout Connection) throws {
        let values = [
            tally.letters, tally.applied, tally.filtered, tally.failures - tally.refused, tally.refused,
            tally.untouchedCount,
        ]
        try connection.query(
            """
            UPDATE millrace.replays SET letters = letters + $3, applied = applied + $4, filtered = filtered + $5,
                dead = dead + $6, refused = refused + $7, untouched = untouched + $8
            WHERE topology = $1 AND number = $2
            """, [.text(book.topology), .int64(book.number)] + values.map { .int64($0) })
    }
}

/// Letters that were to be booked are no longer there: another replay has booked them, or somebody has discarded them.
/// Nothing of the transaction may be committed; what is there now is read again.
struct LettersMoved: Error {
    var reason: String

    static func check(_ found: Int?, of expected: Int, _ key: PartitionKey) throws(LettersMoved) {
        if found == expected { return }
        throw LettersMoved(
            reason: "\(expected - (found ?? 0)) dead letters of \(key) were discarded, or replayed by somebody else")
    }
}

extension RowBuilders {
    /// What a letter is known by, and what it said when it was read.
    fileprivate mutating func append(asRead letter: ReplayLetter) {
        columns[0].append(letter.id)
        columns[1].append(letter.counted)
        columns[2].append(letter.refusedBy)
    }
}
