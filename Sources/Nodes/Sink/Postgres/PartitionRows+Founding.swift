import Dataflow
import Postgres

extension PartitionRows {
    /// Stores where the partitions of topics begin of which no position is stored: all that are given, or none. One at a time
    /// by a lock on the topology, since two instances that start at once each know some partitions only.
    func found(_ partitions: [ClaimedPartition], _ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('millrace founds ' || $1, 0))",
            [.text(topology)])
        var offsets = ArrayBuilder(.int8)
        for partition in partitions { offsets.append(partition.nextOffset) }
        try connection.query(
            """
            INSERT INTO millrace.partitions AS m (topology, topic, partition, next_offset, cluster_id)
            SELECT $1, k.topic, k.partition, k.next_offset, $5::text
            FROM pg_catalog.unnest($2::text[], $3::int[], $4::bigint[])
                AS k(topic, partition, next_offset)
            WHERE NOT EXISTS (SELECT FROM millrace.partitions p
                WHERE p.topology = $1 AND p.topic = k.topic AND p.next_offset IS NOT NULL)
            ORDER BY k.topic, k.partition
            ON CONFLICT (topology, topic, partition)
            DO UPDATE SET next_offset = EXCLUDED.next_offset WHERE m.next_offset IS NULL
            """,
            [.text(topology)] + keyArrays(partitions.map(\.key))
                + [.array(offsets), partitions.first?.origin.map { .text($0) } ?? .null])
    }
}
