import Foundation
import Postgres

/// Taking the place of what runs.
extension Catalog {
    /// What has taken the place of a topology.
    package struct Promotion: Sendable, Equatable {
        /// The version that the topology has now.
        package var version: Int
        /// What was there before, beside it.
        package var replaced: Rebuild
    }

    /// Holds the right to promote a topology until this connection ends.
    /// - Throws: `CatalogError` when somebody else holds it, or the connection is not to one session of the server: the
    ///   right would stay with a session that others get.
    package mutating func holdPromotion(of topology: String) throws {
        guard connection.process?.started != nil else {
            throw CatalogError(
                code: .elsewhere,
                description:
                    "topology \(topology): promote needs a session of its own, and a pooler stands between; give "
                    + "--database the address of the server itself")
        }
        let isOurs = try connection.query(
            "SELECT pg_try_advisory_lock(hashtext('millrace promote'), hashtext($1))", [.text(topology)]
        ).bool(0, 0)
        guard isOurs != true else { return }
        throw CatalogError(
            code: .nothingToDo, description: "topology \(topology): somebody else is promoting it just now")
    }

    /// Puts a rebuild in the place of its topology, in one transaction: tables, positions, dead letters and the catalogue
    /// change their names; what was there goes on standing beside it, paused. Nobody who reads ever sees a half of it.
    ///
    /// Both must have stopped. If what ran was paused for this, what takes its place is to run.
    /// - Parameters:
    ///   - live: what was deployed of the topology when it was paused.
    ///   - beside: what was deployed as the rebuild when that was.
    /// - Throws: `CatalogError` when somebody holds a table for long, or has changed one of them; nothing has changed then.
    package mutating func promote(
        _ rebuild: Rebuild, over live: DeploymentBase, with beside: DeploymentBase, by person: String
    ) throws -> Promotion {
        let deployed = try deployments()
        guard let current = deployed.first(where: { $0.topology == rebuild.topology }),
            let next = deployed.first(where: { $0.topology == rebuild.name })
        else { throw try unknown(rebuild.name) }
        let (old, new) = (
            try version(current.version, of: rebuild.topology), try version(next.version, of: rebuild.name)
        )
        let replaced = try place(beside: rebuild, current, deployed)
        return try changingTables(of: rebuild.topology) { connection in
            try Self.holdPaused(rebuild.topology, live, &connection)
            try Self.holdPaused(rebuild.name, beside, &connection)
            try Self.excludeReplays(of: [rebuild.topology, rebuild.name], &connection)
            let swap = Swap(rebuild, replaced)
            try swap.takeTickets(&connection)
            try swap.run(&connection)
            // What had its number is gone, so the version may have it.
            try connection.query("DELETE FROM millrace.deployments WHERE topology = $1", [.text(rebuild.name)])
            let version = try Self.addVersion(
                of: rebuild.topology, file: new.file, note: "promoted from \(rebuild.name)", by: person, &connection)
            try connection.query(
                """
                UPDATE millrace.deployments SET version = $2, paused_for = '',
                    wanted = CASE WHEN paused_for = '' THEN wanted ELSE 'running' END, generation = generation + 1,
                    changed_by = $3, changed_at = now() WHERE topology = $1
                """, [.text(rebuild.topology), .int32(Int32(version)), .text(person)])
            let kept = try Self.addVersion(
                of: replaced.name, file: old.file, note: "was version \(current.version) of \(rebuild.topology)",
                by: person, &connection)
            try connection.query(
                """
                INSERT INTO millrace.deployments (topology, version, wanted, settings, changed_by)
                SELECT $1, $2, 'paused', settings, $3 FROM millrace.deployments WHERE topology = $4
                """, [.text(replaced.name), .int32(Int32(kept)), .text(person), .text(rebuild.topology)])
            return Promotion(version: version, replaced: replaced)
        }
    }

    /// Exchanges the tables as `promote` does, and takes it back.
    ///
    /// Both may be running: their commits wait for a moment, or are tried again.
    /// - Returns: why the database would not have it, nil when it would.
    mutating func refusal(of rebuild: Rebuild) throws -> String? {
        struct TakenBack: Error {}
        let deployed = try deployments()
        guard let current = deployed.first(where: { $0.topology == rebuild.topology }) else { return nil }
        let replaced = try place(beside: rebuild, current, deployed)
        do {
            try changingTables(of: rebuild.topology) { connection in
                let swap = Swap(rebuild, replaced)
                try swap.takeTickets(&connection)
                try swap.exchangeTables(&connection)
                throw TakenBack()
            }
            return nil
        } catch is TakenBack {
            return nil
        } catch let error as PostgresError where error.kind == .server {
            return "the database refuses to exchange the tables: \(error.message)"
                + (error.detail.map { "; \($0)" } ?? "") + (error.hint.map { "; \($0)" } ?? "")
        }
    }

    /// Where what runs is put: a name that neither a topology nor a table has. A deployment during the rebuild may have
    /// taken the rebuild's number.
    private mutating func place(
        beside rebuild: Rebuild, _ current: Deployment, _ deployed: [Deployment]
    ) throws -> Rebuild {
        var replaced = Rebuild(topology: rebuild.topology, tag: current.version)
        while try deployed.contains(where: { $0.topology == replaced.name }) || hasTables(numbered: replaced) {
            replaced.tag += 1
        }
        return replaced
    }

    private mutating func hasTables(numbered rebuild: Rebuild) throws -> Bool {
        for (schema, name) in try tables(of: rebuild.topology) {
            let there = try connection.query(
                "SELECT to_regclass($1)::oid::bigint",
                [.text(Self.quoted(schema, Rebuild.table(name, tag: rebuild.tag)))])
            if !there.isNull(0, 0) { return true }
        }
        return false
    }

    /// Waits until nobody commits to tables, and keeps everybody from it until the transaction ends.
    static func takeTickets(_ tables: [(schema: String, name: String)], _ connection: inout Connection) throws {
        var names = ArrayBuilder(.text)
        for table in tables { names.append(quoted(table.schema, table.name)) }
        try connection.execute("SET LOCAL lock_timeout = '\(CatalogLimits.tableLock)s'")
        try connection.query(CommitTicket.sql, [.array(names)])
        try connection.execute("SET LOCAL lock_timeout = '\(readersWait)'")
    }

    /// How long a reader may have to wait behind a change of tables that waits itself.
    private static let readersWait = "500ms"

    /// A change of tables. Whoever comes later waits behind it, so it waits for locks for less than a second, gives up what it
    /// has, and tries again: whoever reads is not made to wait for long, and, since the server looks for deadlocks after a
    /// second, never ended for the sake of this.
    mutating func changingTables<Result>(
        of topology: String, _ body: (inout Connection) throws -> Result
    ) throws -> Result {
        let end = ContinuousClock.now + .seconds(CatalogLimits.tableLock)
        while true {
            do {
                return try change(topology) { connection in
                    try connection.execute("SET LOCAL lock_timeout = '\(Self.readersWait)'")
                    return try body(&connection)
                }
            } catch let error as PostgresError where ["55P03", "40P01"].contains(error.sqlState) {
                guard ContinuousClock.now < end else {
                    throw CatalogError(
                        code: .locked,
                        description:
                            "topology \(topology): somebody has held one of its tables for \(CatalogLimits.tableLock) s "
                            + "(\(error.message)); end that, or wait until it has ended (SELECT * FROM pg_stat_activity), "
                            + "and try again")
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }
}
