import Dataflow
import Postgres

/// The partition rows of one topology: claim, read, begin, advance. All statements run inside the caller's transaction.
struct PartitionRows {
    let topology: String
    let owner: String

    /// Takes partitions over; an earlier owner's next commit will find another owner epoch.
    func claim(
        _ keys: [PartitionKey], origin: String?, _ connection: inout Connection
    ) throws(PostgresError) -> [ClaimedPartition] {
        let arrays = keyArrays(keys)
        try connection.query(
            """
            INSERT INTO millrace.partitions (topology, topic, partition)
            SELECT $1, k.topic, k.partition FROM unnest($2::text[], $3::int[]) AS k(topic, partition)
            ON CONFLICT DO NOTHING
            """, [.text(topology)] + arrays)
        // One row at a time in sorted order: an UPDATE ... FROM would lock in an order of the planner's choice.
        try connection.query(
            """
            SELECT 1 FROM millrace.partitions p JOIN unnest($2::text[], $3::int[]) AS k(topic, partition)
            ON p.topic = k.topic AND p.partition = k.partition WHERE p.topology = $1
            ORDER BY p.topic, p.partition FOR UPDATE OF p
            """, [.text(topology)] + arrays)
        let rows = try connection.query(
            """
            UPDATE millrace.partitions p SET owner_epoch = p.owner_epoch + 1, owner = $4,
                cluster_id = coalesce(p.cluster_id, $5::text)
            FROM unnest($2::text[], $3::int[]) AS k(topic, partition)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition
            RETURNING \(Self.columns)
            """, [.text(topology)] + arrays + [.text(owner), origin.map { .text($0) } ?? .null])
        return try decode(rows)
    }

    /// Reads partitions as they stand; `locking` waits for a transaction that is still deciding about them.
    func read(
        _ keys: [PartitionKey], locking: Bool, _ connection: inout Connection
    ) throws(PostgresError) -> [ClaimedPartition] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM millrace.partitions p
            JOIN unnest($2::text[], $3::int[]) AS k(topic, partition) ON p.topic = k.topic AND p.partition = k.partition
            WHERE p.topology = $1 ORDER BY p.topic, p.partition \(locking ? "FOR UPDATE OF p" : "")
            """, [.text(topology)] + keyArrays(keys))
        return try decode(rows)
    }

    /// Reads the partitions whose topics begin with `prefix`, without locking them.
    func known(topicPrefix prefix: String, _ connection: inout Connection) throws(PostgresError) -> [ClaimedPartition] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM millrace.partitions p
            WHERE p.topology = $1 AND pg_catalog.starts_with(p.topic, $2) ORDER BY p.topic, p.partition
            """, [.text(topology), .text(prefix)])
        return try decode(rows)
    }

    /// Stores where partitions that were never read begin.
    func begin(_ partitions: [ClaimedPartition], _ connection: inout Connection) throws(PostgresError) {
        var offsets = ArrayBuilder(.int8)
        for partition in partitions { offsets.append(partition.nextOffset) }
        try connection.query(
            """
            UPDATE millrace.partitions p SET next_offset = k.next_offset
            FROM unnest($2::text[], $3::int[], $4::bigint[]) AS k(topic, partition, next_offset)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition AND p.next_offset IS NULL
            """, [.text(topology)] + keyArrays(partitions.map(\.key)) + [.array(offsets)])
    }

    /// The fence: moves every partition from where this epoch began to where it ends, if it is still ours and still
    /// there. Fewer rows than partitions means that it is not.
    func advanceStatement(_ advances: [PartitionAdvance]) -> (sql: String, parameters: [Parameter]) {
        var numbers = (0..<8).map { _ in ArrayBuilder(.int8) }
        var tails = (0..<3).map { _ in ArrayBuilder(.int8) }
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
        }
        let sql = """
            UPDATE millrace.partitions p SET next_offset = k.upto,
                read = p.read + k.read, applied = p.applied + k.applied, filtered = p.filtered + k.filtered,
                dead = p.dead + k.dead, refused = p.refused + k.refused,
                tail_offset = coalesce(k.tail_offset, p.tail_offset),
                tail_timestamp = CASE WHEN k.tail_offset IS NULL THEN p.tail_timestamp ELSE k.tail_timestamp END,
                tail_checksum = coalesce(k.tail_checksum, p.tail_checksum)
            FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
                AS k(topic, partition, since, upto, owner_epoch, read, applied, filtered, dead, refused, tail_offset,
                    tail_timestamp, tail_checksum)
            WHERE p.topology = $1 AND p.topic = k.topic AND p.partition = k.partition
                AND p.next_offset = k.since AND p.owner_epoch = k.owner_epoch
            """
        let arrays = (numbers + tails).map { Parameter.array($0) }
        return (sql, [.text(topology)] + keyArrays(advances.map(\.key)) + arrays)
    }

    private static let columns =
        "p.topic, p.partition, p.owner_epoch, p.next_offset, p.tail_offset, p.tail_timestamp, p.tail_checksum, "
        + "p.cluster_id, p.owner"

    func keyArrays(_ keys: [PartitionKey]) -> [Parameter] {
        var topics = ArrayBuilder(.text)
        var numbers = ArrayBuilder(.int4)
        for key in keys {
            topics.append(key.topic)
            numbers.append(key.partition)
        }
        return [.array(topics), .array(numbers)]
    }

    private func decode(_ rows: QueryResult) throws(PostgresError) -> [ClaimedPartition] {
        var result: [ClaimedPartition] = []
        for row in 0..<rows.rowCount {
            var tail: Tail?
            if let offset = try rows.int64(row, 4), let checksum = try rows.int64(row, 6) {
                tail = Tail(offset: offset, timestamp: try rows.int64(row, 5), checksum: checksum)
            }
            result.append(
                ClaimedPartition(
                    key: PartitionKey(topic: try rows.text(row, 0) ?? "", partition: try rows.int32(row, 1) ?? 0),
                    ownerEpoch: try rows.int64(row, 2) ?? 0, nextOffset: try rows.int64(row, 3), tail: tail,
                    origin: try rows.text(row, 7), owner: try rows.text(row, 8)))
        }
        return result.sorted { $0.key < $1.key }
    }
}
