import Postgres

/// How far a rebuild is behind its topology.
package struct RebuildDistance: Sendable {
    struct Partition: Hashable, Sendable {
        var topic: String
        var number: Int32
    }

    /// Its own position in each, and how many messages it lacks.
    var partitions: [Partition: (position: Int64, lacking: Int64)] = [:]

    /// Messages that it lacks, over all partitions.
    package var messages: Int64 { partitions.values.reduce(0) { $0 + $1.lacking } }

    /// Whether it has come further since, wherever it is behind.
    /// - Parameter earlier: nil when it had not begun then.
    package func hasMoved(since earlier: RebuildDistance?) -> Bool {
        partitions.allSatisfy { partition, state in
            state.lacking == 0 || state.position > earlier?.partitions[partition]?.position ?? 0
        }
    }
}

/// Topologies that are made anew beside those that run.
extension Catalog {
    /// What is deployed beside a topology: rebuilds, and versions that one has replaced.
    package mutating func rebuilds(of topology: String) throws -> [(rebuild: Rebuild, deployment: Deployment)] {
        try Self.rebuilds(of: topology, deployments())
    }

    private static func rebuilds(
        of topology: String, _ deployments: [Deployment]
    ) -> [(rebuild: Rebuild, deployment: Deployment)] {
        deployments.compactMap { deployment in
            guard let rebuild = Rebuild(name: deployment.topology), rebuild.topology == topology else { return nil }
            return (rebuild, deployment)
        }
    }

    /// Whether it has yet to take its topology's place: there is no version of its number. What was replaced has been one.
    package mutating func isNext(_ rebuild: Rebuild) throws -> Bool { try Self.isNext(rebuild, &connection) }

    private static func isNext(_ rebuild: Rebuild, _ connection: inout Connection) throws -> Bool {
        try connection.query(
            "SELECT 1 FROM millrace.versions WHERE topology = $1 AND version = $2",
            [.text(rebuild.topology), .int64(Int64(rebuild.tag))]
        ).rowCount == 0
    }

    /// The version that runs, where it was deployed after a rebuild had begun that does something else and has yet to take
    /// its topology's place.
    package mutating func newer(than rebuild: Rebuild) throws -> Int? {
        let deployed = try deployments()
        guard let live = deployed.first(where: { $0.topology == rebuild.topology }), live.version > rebuild.tag,
            let next = deployed.first(where: { $0.topology == rebuild.name }), try isNext(rebuild)
        else { return nil }
        let (old, new) = (
            try version(live.version, of: rebuild.topology).file, try version(next.version, of: rebuild.name).file
        )
        return old.utf8.elementsEqual(new.utf8) ? nil : live.version
    }

    /// Deploys a file beside its topology.
    /// - Returns: what it is, and what somebody has to clear away before it can take the topology's place.
    /// - Throws: `CatalogError` when the topology is not deployed, or nothing can ever take its place.
    package mutating func rebuild(
        _ topology: String, file: String, note: String, by person: String
    ) throws -> (rebuild: Rebuild, obstacles: [Obstacle]) {
        guard let current = try deployments().first(where: { $0.topology == topology }) else {
            throw try unknown(topology)
        }
        if try version(current.version, of: topology).file.utf8.elementsEqual(file.utf8) {
            throw CatalogError(
                code: .nothingToDo,
                description:
                    "topology \(topology): version \(current.version) is this file; to make its tables anew all the "
                    + "same, change something, a comment will do")
        }
        let obstacles = try obstacles(of: topology, beside: nil)
        if let obstacle = obstacles.first(where: \.isFinal) {
            throw CatalogError(code: .elsewhere, description: "topology \(topology): \(obstacle.text)")
        }
        let rebuild = try change(topology) { connection in
            // Two who rebuild at once take turns: the second finds what the first has begun.
            try connection.execute("LOCK TABLE millrace.deployments IN SHARE ROW EXCLUSIVE MODE")
            let others = try Self.rebuilds(of: topology, Self.deployments(&connection))
            if let other = try others.first(where: { try Self.isNext($0.rebuild, &connection) }) {
                throw CatalogError(
                    code: .nothingToDo,
                    description:
                        "topology \(topology): \(other.rebuild.name) is being rebuilt already; promote it, or millrace "
                        + "remove \(other.rebuild.name) --drop")
            }
            let rebuild = Rebuild(topology: topology, tag: try Self.nextVersion(of: topology, &connection))
            try Self.takeTurn(rebuild.name, &connection)
            _ = try Self.deploy(
                rebuild.name, file: file, note: note, acceptsGaps: false, by: person, &connection)
            return rebuild
        }
        return (rebuild, obstacles)
    }

    /// The tables of a rebuild that have a counterpart; both must have been started.
    package mutating func pairs(_ rebuild: Rebuild) throws -> [TablePair] {
        let live = try tables(of: rebuild.topology)
        return try tables(of: rebuild.name).compactMap { table in
            live.first { $0.schema == table.schema && Rebuild.table($0.name, tag: rebuild.tag) == table.name }.map {
                TablePair(schema: table.schema, live: $0.name, beside: table.name)
            }
        }
    }

    mutating func tables(of topology: String) throws -> [(schema: String, name: String)] {
        guard try !connection.query("SELECT to_regclass('millrace.tables')::oid::bigint").isNull(0, 0) else {
            return []
        }
        let found = try connection.query(
            "SELECT table_schema, table_name FROM millrace.tables WHERE topology = $1 AND left_read IS NULL ORDER BY 1, 2",
            [.text(topology)])
        return try (0..<found.rowCount).map { (try found.text($0, 0) ?? "", try found.text($0, 1) ?? "") }
    }

    /// How far a rebuild is behind its topology; nil while it has not begun.
    ///
    /// What its tables do not read does not count, and one that has ended has read what there is.
    package mutating func distance(_ rebuild: Rebuild) throws -> RebuildDistance? {
        guard try !connection.query("SELECT to_regclass('millrace.partitions')::oid::bigint").isNull(0, 0) else {
            return nil
        }
        let generation = try deployments().first { $0.topology == rebuild.name }?.generation
        let alive = try states(of: rebuild.name).filter { !$0.isLost }
        if !alive.isEmpty, alive.allSatisfy({ $0.kind == .ended && $0.generation == generation }) {
            return RebuildDistance()
        }
        let begun = try connection.query(
            "SELECT EXISTS (SELECT 1 FROM millrace.partitions WHERE topology = $1)", [.text(rebuild.name)])
        guard try begun.bool(0, 0) == true else { return nil }
        // A feed is topics by name, and * for files, which are all that no feed names.
        let found = try connection.query(
            """
            WITH feeds AS (
                SELECT t.topology, f.topic FROM millrace.tables t, regexp_split_to_table(t.feed, E'\n') AS f(topic)
                WHERE t.topology IN ($1, $2) AND t.left_read IS NULL
            )
            SELECT l.topic, l.partition, coalesce(b.next_offset, 0),
                greatest(l.next_offset - coalesce(b.next_offset, 0), 0)
            FROM millrace.partitions l
            LEFT JOIN millrace.partitions b ON b.topology = $2 AND b.topic = l.topic AND b.partition = l.partition
            WHERE l.topology = $1 AND l.next_offset IS NOT NULL AND (
                l.topic IN (SELECT topic FROM feeds WHERE topology = $2)
                OR EXISTS (SELECT 1 FROM feeds WHERE topology = $2 AND topic = '*')
                    AND l.topic NOT IN (SELECT topic FROM feeds))
            """, [.text(rebuild.topology), .text(rebuild.name)])
        var distance = RebuildDistance()
        for row in 0..<found.rowCount {
            let partition = RebuildDistance.Partition(
                topic: try found.text(row, 0) ?? "", number: try found.int32(row, 1) ?? 0)
            distance.partitions[partition] = (try found.int64(row, 2) ?? 0, try found.int64(row, 3) ?? 0)
        }
        return distance
    }

    /// Whether something is there that `drop` would remove, deployed or not.
    package mutating func hasLeft(_ rebuild: Rebuild) throws -> Bool {
        for table in try Swap.tablesByTopology(&connection) {
            let found = try connection.query(
                "SELECT 1 FROM millrace.\(table) WHERE topology = $1 LIMIT 1", [.text(rebuild.name)])
            if found.rowCount > 0 { return true }
        }
        return false
    }

    /// Drops the tables and forgets the positions of what stands beside a topology, and takes it out of the catalogue.
    ///
    /// It must have stopped.
    /// - Parameter base: what was deployed of it when it was paused; nil when it is not deployed any more.
    package mutating func drop(_ rebuild: Rebuild, _ base: DeploymentBase?) throws {
        let tables = try tables(of: rebuild.name)
        try change(rebuild.name) { connection in
            if let base { try Self.holdPaused(rebuild.name, base, &connection) }
            try Self.remove(rebuild.name, &connection)
            for (schema, name) in tables {
                try Swap.dropBounds(of: schema, name, &connection)
                try connection.execute("DROP TABLE IF EXISTS \(Self.quoted(schema, name))")
            }
            for table in try Swap.tablesByTopology(&connection) {
                try connection.query("DELETE FROM millrace.\(table) WHERE topology = $1", [.text(rebuild.name)])
            }
        }
    }
}
