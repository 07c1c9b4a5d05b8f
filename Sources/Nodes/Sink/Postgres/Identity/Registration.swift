import Dataflow
import Postgres

/// Which definition of a topology may run: one at a time, however many instances run it.
///
/// `millrace.topologies` holds the definition. Registering another one raises the owner epoch of all positions, so that the
/// fence refuses what instances of the old one have on the way; their next claim is refused by `check`. Nothing of it
/// hangs on a session, so poolers may stand between.
///
/// `millrace.instances` tells who is alive: each instance says so every few seconds. A new definition waits until all
/// instances of the old one have been silent for a while (a kill -9 leaves its row behind), and is refused as soon as one
/// of them gives a sign of life.
struct Registration: Sendable {
    let topology: String
    /// Names this process.
    let instance: String

    /// An instance that runs another definition.
    struct Sighting: Hashable {
        var instance: String
        /// In microseconds since 1970, by the database's clock.
        var seenAt: Int64
        var secondsAgo: Int64
    }

    /// What is registered now.
    struct Current {
        var definition: String
        var digest: String
        var registeredBy: String
        var since: String
    }

    func current(locking: Bool = false, _ connection: inout Connection) throws(PostgresError) -> Current? {
        let found = try connection.query(
            """
            SELECT definition, digest, registered_by, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
            FROM millrace.topologies WHERE topology = $1 \(locking ? "FOR SHARE" : "")
            """, [.text(topology)])
        guard found.rowCount == 1 else { return nil }
        return Current(
            definition: try found.text(0, 0) ?? "", digest: try found.text(0, 1) ?? "",
            registeredBy: try found.text(0, 2) ?? "", since: try found.text(0, 3) ?? "")
    }

    /// Instances with another definition that were seen not long ago.
    func others(than digest: String, _ connection: inout Connection) throws -> [Sighting] {
        let found = try connection.query(
            """
            SELECT instance, seen_at, extract(epoch FROM clock_timestamp() - seen_at)::bigint FROM millrace.instances
            WHERE topology = $1 AND digest <> $2 AND seen_at > clock_timestamp() - make_interval(secs => $3) ORDER BY 1
            """, [.text(topology), .text(digest), .double(Double(SinkLimits.instanceSilence.components.seconds))])
        return try (0..<found.rowCount).map { row in
            Sighting(
                instance: try found.text(row, 0) ?? "", seenAt: try found.microsecondsSince1970(row, 1) ?? 0,
                secondsAgo: max(0, try found.int64(row, 2) ?? 0))
        }
    }

    /// Makes `definition` the one that may run. What instances of another one have on the way ends here: their commits
    /// under way are waited for, the next ones refused.
    func register(_ definition: TableDefinition, _ connection: inout Connection) throws {
        try connection.query(
            """
            INSERT INTO millrace.topologies AS t (topology, definition, digest, registered_by) VALUES ($1, $2, $3, $4)
            ON CONFLICT (topology) DO UPDATE SET definition = EXCLUDED.definition, digest = EXCLUDED.digest,
                registered_by = EXCLUDED.registered_by, since = now()
            """, [.text(topology), .text(definition.text), .text(definition.digest), .text(instance)])
        try connection.query(
            "SELECT 1 FROM millrace.partitions WHERE topology = $1 ORDER BY topic, partition FOR UPDATE",
            [.text(topology)])
        try connection.query(
            "UPDATE millrace.partitions SET owner_epoch = owner_epoch + 1, owner = NULL WHERE topology = $1",
            [.text(topology)])
        try connection.query(
            "DELETE FROM millrace.instances WHERE topology = $1 AND digest <> $2",
            [.text(topology), .text(definition.digest)])
    }

    /// Says that this instance is alive, with what it runs.
    func signIn(_ digest: String, _ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            """
            INSERT INTO millrace.instances (topology, instance, digest, seen_at) VALUES ($1, $2, $3, clock_timestamp())
            ON CONFLICT (topology, instance) DO UPDATE SET digest = EXCLUDED.digest, seen_at = EXCLUDED.seen_at
            """, [.text(topology), .text(instance), .text(digest)])
        try connection.query(
            "DELETE FROM millrace.instances WHERE topology = $1 AND seen_at < clock_timestamp() - interval '1 day'",
            [.text(topology)])
    }

    func signOut(_ connection: inout Connection) throws(PostgresError) {
        try connection.query(
            "DELETE FROM millrace.instances WHERE topology = $1 AND instance = $2", [.text(topology), .text(instance)])
    }

    /// Checks that `definition` is still the one that may run. Inside a transaction, and locking, it stays so until the
    /// transaction ends.
    /// - Throws: `SinkError` saying what has taken its place.
    func check(_ definition: TableDefinition, locking: Bool, _ connection: inout Connection) throws {
        let current = try current(locking: locking, &connection)
        guard current?.digest != definition.digest else { return }
        guard let current else {
            throw SinkError(
                code: .replaced,
                description:
                    "topology \(topology): this instance is registered no longer: its row in millrace.topologies "
                    + "is gone (the topology was renamed, the database was restored to an earlier state, or somebody removed it); "
                    + "what was not committed is read again at the next start")
        }
        let changes = TableDefinition(current.definition).changes(since: definition).map(\.text)
        throw SinkError(
            code: .replaced,
            description: "topology \(topology): another definition of it took over from this instance (registered by "
                + "\(current.registeredBy), \(current.since)): \(changes.joined(separator: "; ")); what this instance read "
                + "and had not committed is read by the other; two files need two `topology:` names")
    }

    /// Why dead letters are not replayed by a definition that does not run.
    func unregistered(_ definition: TableDefinition, _ current: Current?) -> SinkError {
        guard let current else {
            return SinkError(
                code: .definitionMismatch,
                description: "topology \(topology) has never run in this database, so it has no dead letters to replay")
        }
        let changes = definition.changes(since: TableDefinition(current.definition)).map(\.text)
        return SinkError(
            code: .definitionMismatch,
            description:
                "topology \(topology): dead letters are replayed by the definition that runs, and this file is "
                + "another one: \(changes.joined(separator: "; ")); run or deploy it first")
    }

    /// Why a start is refused while instances of another definition run.
    func refusal(of definition: TableDefinition, _ current: Current?, alive: Sighting) -> SinkError {
        let changes = current.map { definition.changes(since: TableDefinition($0.definition)).map(\.text) } ?? []
        return SinkError(
            code: .definitionInUse,
            description: "topology \(topology) runs with another definition: instance \(alive.instance) was seen "
                + "\(alive.secondsAgo) s ago; what differs here: \(changes.joined(separator: "; ")). Two definitions of "
                + "one topology would share its positions and each miss what the other reads. Stop all instances of the "
                + "other first; or, if it is another topology, give this file a `topology:` name of its own")
    }
}
