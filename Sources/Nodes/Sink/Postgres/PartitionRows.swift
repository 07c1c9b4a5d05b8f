import Dataflow
import Postgres

/// The partition rows of one topology: claim, read, begin, advance. All statements run inside the caller's transaction.
struct PartitionRows {
    static let table = "millrace.partitions"

    let topology: String
    let owner: String

    /// Takes partitions over; an earlier owner's next commit will find another owner epoch.
    func claim(
        _ keys: [PartitionKey], origin: String?, _ connection: inout Connection
    ) throws -> [ClaimedPartition] {
        let arrays = keyArrays(keys)
        try connection.query(
            """
            INSERT INTO millrace.partitions (topology, topic, partition)
            SELECT $1, k.topic, k.partition FROM unnest($2::text[], $3::int[]) AS k(topic, partition)
            ON CONFLICT DO NOTHING
            """, [.text(topology)] + arrays)
        // One row at a time in sorted order: an UPDATE ... FROM would lock in an order of the planner's choice.
        let locked = try connection.query(
            """
            SELECT p.topic, p.partition, p.owner_epoch
            FROM millrace.partitions p JOIN unnest($2::text[], $3::int[]) AS k(topic, partition)
            ON p.topic = k.topic AND p.partition = k.partition WHERE p.topology = $1
            ORDER BY p.topic, p.partition FOR UPDATE OF p
            """, [.text(topology)] + arrays)
        try checkOwnerEpochs(locked)
        let rows = try connection.query(
            """
            UPDATE millrace.partitions p SET owner_epoch = p.owner_epoch + 1, owner = $4,
                cluster_id = coalesce(p.cluster_id, $5::text)
            FROM unnest($2::text[], $3::int[]) AS k(topic, partition)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition
            RETURNING \(Self.columns)
            """, [.text(topology)] + arrays + [.text(owner), origin.map { .text($0) } ?? .null])
        guard rows.rowCount == keys.count else {
            throw try LostRows(
                table: Self.table, quoted: Self.table, action: .update, expected: keys.count, found: rows.rowCount
            ).explained(&connection)
        }
        return try decode(rows)
    }

    /// The next owner epoch must be a number too.
    private func checkOwnerEpochs(_ rows: QueryResult) throws {
        for row in 0..<rows.rowCount {
            let epoch = try rows.int64(row, 2) ?? 0
            guard !(0...SinkLimits.offsetMax).contains(epoch) else { continue }
            throw foreign(
                PartitionKey(topic: try rows.text(row, 0) ?? "", partition: try rows.int32(row, 1) ?? 0),
                "owner_epoch is \(epoch), expected 0 to \(SinkLimits.offsetMax)",
                "restore it, or set it to 0 while no instance runs")
        }
    }

    private func foreign(_ key: PartitionKey, _ problem: String, _ remedy: String) -> SinkError {
        SinkError(
            code: .foreignValue,
            description:
                "\(Self.table), topology \(topology), topic \(key.topic), partition \(key.partition): \(problem); "
                + "somebody changed the row: \(remedy)")
    }

    /// Reads partitions as they stand; `locking` waits for a transaction that is still deciding about them.
    func read(
        _ keys: [PartitionKey], locking: Bool, _ connection: inout Connection
    ) throws -> [ClaimedPartition] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM millrace.partitions p
            JOIN unnest($2::text[], $3::int[]) AS k(topic, partition) ON p.topic = k.topic AND p.partition = k.partition
            WHERE p.topology = $1 ORDER BY p.topic, p.partition \(locking ? "FOR UPDATE OF p" : "")
            """, [.text(topology)] + keyArrays(keys))
        return try decode(rows)
    }

    /// Reads the partitions whose topics begin with `prefix`, without locking them.
    func known(topicPrefix prefix: String, _ connection: inout Connection) throws -> [ClaimedPartition] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM millrace.partitions p
            WHERE p.topology = $1 AND pg_catalog.starts_with(p.topic, $2) ORDER BY p.topic, p.partition
            """, [.text(topology), .text(prefix)])
        return try decode(rows)
    }

    /// Stores where partitions that were never read begin.
    func begin(_ partitions: [ClaimedPartition], _ connection: inout Connection) throws {
        var offsets = ArrayBuilder(.int8)
        for partition in partitions { offsets.append(partition.nextOffset) }
        let begun = try connection.query(
            """
            UPDATE millrace.partitions p SET next_offset = k.next_offset
            FROM unnest($2::text[], $3::int[], $4::bigint[]) AS k(topic, partition, next_offset)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition AND p.next_offset IS NULL
            """, [.text(topology)] + keyArrays(partitions.map(\.key)) + [.array(offsets)])
        guard begun.affectedRows != partitions.count else { return }
        // Another instance may have begun some; none may be left without a beginning, or they would begin for ever.
        let lost = try read(partitions.map(\.key), locking: false, &connection).count { $0.nextOffset == nil }
        guard lost > 0 else { return }
        throw try LostRows(
            table: Self.table, quoted: Self.table, action: .update, expected: partitions.count,
            found: partitions.count - lost
        ).explained(&connection)
    }

    /// The fence: moves every partition from where this epoch began to where it ends, if it is still ours and still
    /// there. Fewer rows than partitions means that it is not.
    func advanceStatement(_ advances: [PartitionAdvance]) -> (sql: String, parameters: [Parameter]) {
        var numbers = (0..<8).map { _ in ArrayBuilder(.int8) }
        var tails = (0..<3).map { _ in ArrayBuilder(.int8) }
        var (times, ends) = (ArrayBuilder(.timestamptz), ArrayBuilder(.int8))
        var clocks = (0..<3).map { _ in ArrayBuilder(.int8) }
        for advance in advances {
            let counters = advance.counters
            let values = [
                advance.from, advance.to, advance.ownerEpoch, counters.read, counters.applied, counters.filtered,
                counters.dead, counters.refused,
            ]
            for (index, value) in values.enumerated() { numbers[index].append(value) }
            tails[0].append(advance.tail?.offset)
            tails[1].append(advance.tail?.timestamp)
            tails[2].append(advance.tail?.checksum)
            if let time = advance.eventTime { times.append(microsecondsSince1970: time) } else { times.appendNull() }
            ends.append(advance.logEnd)
            clocks[0].append(advance.clock?.time)
            clocks[1].append((advance.clock?.ahead).map(Int64.init))
            clocks[2].append(advance.clock?.candidate)
        }
        let sql = """
            UPDATE millrace.partitions p SET next_offset = k.upto,
                read = p.read + k.read, applied = p.applied + k.applied, filtered = p.filtered + k.filtered,
                dead = p.dead + k.dead, refused = p.refused + k.refused,
                tail_offset = coalesce(k.tail_offset, p.tail_offset),
                tail_timestamp = CASE WHEN k.tail_offset IS NULL THEN p.tail_timestamp ELSE k.tail_timestamp END,
                tail_checksum = coalesce(k.tail_checksum, p.tail_checksum),
                event_time = greatest(p.event_time, k.event_time), log_end = coalesce(k.log_end, p.log_end),
                committed_at = pg_catalog.now(),
                clock_time = CASE WHEN k.clock_ahead IS NULL THEN p.clock_time ELSE k.clock_time END,
                clock_ahead = coalesce(k.clock_ahead, p.clock_ahead),
                clock_candidate = coalesce(k.clock_candidate, p.clock_candidate)
            FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                $15::timestamptz[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
                AS k(topic, partition, since, upto, owner_epoch, read, applied, filtered, dead, refused, tail_offset,
                    tail_timestamp, tail_checksum, event_time, log_end, clock_time,
                    clock_ahead, clock_candidate)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition
                AND p.next_offset = k.since AND p.owner_epoch = k.owner_epoch
            """
        let arrays = (numbers + tails + [times, ends] + clocks).map { Parameter.array($0) }
        return (sql, [.text(topology)] + keyArrays(advances.map(\.key)) + arrays)
    }

    private static let columns =
        "p.topic, p.partition, p.owner_epoch, p.next_offset, p.tail_offset, p.tail_timestamp, p.tail_checksum, "
        + "p.cluster_id, p.owner, p.read, p.clock_time, p.clock_ahead, p.clock_candidate"

    func keyArrays(_ keys: [PartitionKey]) -> [Parameter] {
        var topics = ArrayBuilder(.text)
        var numbers = ArrayBuilder(.int4)
        for key in keys {
            topics.append(key.topic)
            numbers.append(key.partition)
        }
        return [.array(topics), .array(numbers)]
    }

    /// - Throws: `SinkError` for a position that nobody's Millrace wrote.
    private func decode(_ rows: QueryResult) throws -> [ClaimedPartition] {
        var result: [ClaimedPartition] = []
        for row in 0..<rows.rowCount {
            let key = PartitionKey(topic: try rows.text(row, 0) ?? "", partition: try rows.int32(row, 1) ?? 0)
            let (next, tailOffset, checksum) = (try rows.int64(row, 3), try rows.int64(row, 4), try rows.int64(row, 6))
            let isBegun = try (rows.int64(row, 9) ?? 0) > 0
            if let problem = Self.problem(next: next, tail: tailOffset, checksum: checksum, isBegun: isBegun) {
                throw foreign(
                    key, problem,
                    "restore it, or set next_offset to where reading shall go on, and \(ClaimedPartition.forgetting)")
            }
            var tail: Tail?
            if let tailOffset, let checksum {
                tail = Tail(offset: tailOffset, timestamp: try rows.int64(row, 5), checksum: checksum)
            }
            result.append(
                ClaimedPartition(
                    key: key, ownerEpoch: try rows.int64(row, 2) ?? 0, nextOffset: next, tail: tail,
                    origin: try rows.text(row, 7), owner: try rows.text(row, 8), clock: try clock(rows, row)))
        }
        return result.sorted { $0.key < $1.key }
    }

    /// The clock of a row; nil when nobody kept it.
    private func clock(_ rows: QueryResult, _ row: Int) throws -> EventClock? {
        guard let ahead = try rows.int64(row, 11) else { return nil }
        return EventClock(
            time: try rows.int64(row, 10), ahead: Int32(clamping: max(0, ahead)),
            candidate: try rows.int64(row, 12) ?? 0)
    }

    /// What is wrong with a position: it is checked, not believed. A tail without its checksum is none, as it is when
    /// somebody sets `tail_offset` to null.
    /// - Parameter isBegun: whether the ledger says that records of the partition were read.
    static func problem(next: Int64?, tail: Int64?, checksum: Int64?, isBegun: Bool = false) -> String? {
        if next == nil, isBegun {
            return "next_offset is null although records were read, which would be counted again"
        }
        if let next, !(0...SinkLimits.offsetMax).contains(next) {
            return "next_offset is \(next), expected 0 to \(SinkLimits.offsetMax)"
        }
        guard let tail, checksum != nil else { return nil }
        guard tail >= 0 else { return "tail_offset is \(tail), expected 0 or more" }
        guard let next else { return "next_offset is null and tail_offset is \(tail), expected both or none" }
        return tail < next ? nil : "next_offset is \(next) and tail_offset \(tail), expected the tail before it"
    }
}
