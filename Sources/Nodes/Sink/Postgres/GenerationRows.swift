import Dataflow
import Lookups
import Postgres

/// Writes which contents of lookups the records of an epoch were joined to, beside their positions: a replay that joins the
/// same records to another content is found out, and said.
///
/// `millrace.lookup_generations` has a row for each content of a node, `millrace.lookup_ranges` one for each stretch of
/// offsets that one content was joined to. A stretch grows as long as nothing comes between. When contents change within an
/// epoch, its records have been joined to either of them, and both have its offsets.
final class GenerationRows: EpochSink {
    private let topology: String
    private let onWarning: @Sendable (String) -> Void
    /// The stretches that may grow, as they are in the database.
    private var open: [Stretch.Place: Stretch] = [:]
    /// What `open` becomes when the epoch is in the database.
    private var next: [Stretch.Place: Stretch] = [:]
    private var warned: Set<String> = []

    /// Records of a partition that were joined to one content.
    private struct Stretch {
        struct Place: Hashable {
            var node: String
            var digest: String
            var key: PartitionKey
        }

        var from: Int64
        var to: Int64
    }

    init(topology: String, onWarning: @escaping @Sendable (String) -> Void) {
        self.topology = topology
        self.onWarning = onWarning
    }

    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws {
        let advances = Dictionary(epoch.advances.map { ($0.key, $0) }) { first, _ in first }
        // Records that did not get as far as the node do not end a stretch; what somebody else has read does.
        next = open.filter { place, stretch in advances[place.key].map { $0.from == stretch.to } ?? true }
        for (place, stretch) in next {
            next[place] = Stretch(from: stretch.from, to: advances[place.key]?.to ?? stretch.to)
        }
        for delta in epoch.deltas.sorted(by: { $0.key < $1.key }).compactMap({ $0.value as? GenerationDelta }) {
            try refuseStale(delta)
            try write(delta, epoch.partitionKeys, advances, &connection)
        }
    }

    func committed(_ epoch: ClosedEpoch) { open = next }

    private func refuseStale(_ delta: GenerationDelta) throws(LookupError) {
        guard delta.isStale else { return }
        throw LookupError(
            .stale,
            "node \(delta.node): records were joined to a content of \(delta.source) that is older than max_staleness, and are not "
                + "stored; they are read again at the next start")
    }

    private func write(
        _ delta: GenerationDelta, _ keys: [PartitionKey], _ advances: [PartitionKey: PartitionAdvance],
        _ connection: inout Connection
    ) throws {
        var rows = RowBuilders([.text, .text, .int4, .int8, .int8])
        var fresh: [(use: GenerationDelta.Use, advance: PartitionAdvance)] = []
        var written: Set<Stretch.Place> = []
        for use in delta.uses {
            for advance in use.partitions.compactMap({ advances[keys[$0]] }).sorted(by: { $0.key < $1.key }) {
                let place = Stretch.Place(node: delta.node, digest: use.generation.digest, key: advance.key)
                if next[place] == nil { fresh.append((use, advance)) }
                let stretch = next[place] ?? Stretch(from: advance.from, to: advance.to)
                next[place] = stretch
                written.insert(place)
                rows.columns[0].append(place.digest)
                rows.columns[1].append(place.key.topic)
                rows.columns[2].append(place.key.partition)
                rows.columns[3].append(stretch.from)
                rows.columns[4].append(stretch.to)
            }
        }
        guard !written.isEmpty else { return }
        // Where another content was used, the stretch of the one before has ended.
        let used = Set(written.map(\.key))
        next = next.filter { place, _ in
            place.node != delta.node || !used.contains(place.key) || written.contains(place)
        }
        if !fresh.isEmpty { try begin(fresh, of: delta, &connection) }
        try connection.query(Self.extend, [.text(topology), .text(delta.node)] + rows.parameters)
    }

    /// Stretches that begin: their contents are put down, and it is looked whether the records were joined to others before.
    private func begin(
        _ fresh: [(use: GenerationDelta.Use, advance: PartitionAdvance)], of delta: GenerationDelta,
        _ connection: inout Connection
    ) throws {
        var digests: Set<String> = []
        for (use, advance) in fresh {
            let generation = use.generation
            if digests.insert(generation.digest).inserted {
                try connection.query(
                    Self.introduce,
                    [
                        .text(topology), .text(delta.node), .text(generation.digest), .text(delta.source),
                        .int64(Int64(generation.rows)), .int64(Int64(generation.rowsIgnored)),
                        .int64(generation.loadedAt),
                    ])
            }
            let earlier = try connection.query(
                Self.earlier,
                [
                    .text(topology), .text(delta.node), .text(advance.key.topic), .int32(advance.key.partition),
                    .int64(advance.from), .text(generation.digest),
                ])
            guard earlier.rowCount == 1, let digest = try earlier.text(0, 0) else { continue }
            let warning =
                "node \(delta.node): records of \(advance.key) from offset \(advance.from) on were joined to another content of "
                + "\(delta.source) before: generation \(digest.prefix(12)), \(try earlier.int64(0, 1) ?? 0) rows, loaded "
                + "\(try earlier.text(0, 2) ?? "") UTC; now it is \(generation.digest.prefix(12)), \(generation.rows) rows, so what is "
                + "counted may differ; millrace.lookup_ranges has the offsets"
            if warned.insert("\(delta.node) \(advance.key) \(generation.digest)").inserted { onWarning(warning) }
        }
    }

    private static let introduce = """
        INSERT INTO millrace.lookup_generations (topology, node, digest, source, "rows", rows_ignored, loaded_at)
        VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000000.0)) ON CONFLICT DO NOTHING
        """

    /// Another content whose records end behind an offset.
    private static let earlier = """
        SELECT r.digest, g."rows", to_char(g.loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
        FROM millrace.lookup_ranges r LEFT JOIN millrace.lookup_generations g USING (topology, node, digest)
        WHERE r.topology = $1 AND r.node = $2 AND r.topic = $3 AND r.partition = $4 AND r.to_offset > $5
            AND r.digest <> $6
        ORDER BY r.from_offset LIMIT 1
        """

    private static let extend = """
        INSERT INTO millrace.lookup_ranges AS r (topology, node, digest, topic, partition, from_offset, to_offset)
        SELECT $1, $2, k.* FROM unnest($3::text[], $4::text[], $5::int[], $6::bigint[], $7::bigint[]) AS k
        ON CONFLICT (topology, node, topic, partition, from_offset, digest)
            DO UPDATE SET to_offset = greatest(r.to_offset, EXCLUDED.to_offset)
        """
}
