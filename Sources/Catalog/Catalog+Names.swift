import Postgres

/// What topologies are called.
extension Catalog {
    /// Gives a topology another name, in one transaction: its versions, its log, positions, dead letters, and whose its tables
    /// are. The tables keep their names and their rows.
    ///
    /// It must have stopped; if it was paused for this, it is to run again.
    /// - Parameter base: what was deployed when it was paused.
    /// - Parameter file: what is deployed of it, under the new name.
    /// - Returns: the version that this is.
    /// - Throws: `CatalogError` when the name is taken, or something stands beside the topology; nothing has changed then.
    package mutating func rename(
        _ topology: String, _ base: DeploymentBase, to name: String, file: String, by person: String
    ) throws -> Int {
        try change(name) { connection in
            try Self.holdPaused(topology, base, &connection)
            try Self.excludeReplays(of: [topology], &connection)
            try Self.checkIsAlone(topology, &connection)
            let bookkeeping = try Swap.tablesByTopology(and: Self.stepTables + ["permits"], &connection)
            try Self.checkIsFree(name, bookkeeping, &connection)
            // What is on the way to the database under the old name is refused from here on.
            try connection.query(
                "UPDATE millrace.partitions SET owner_epoch = owner_epoch + 1, owner = NULL WHERE topology = $1",
                [.text(topology)])
            for table in ["states", "crashes"] + bookkeeping.filter({ $0 == "instances" }) {
                try connection.query("DELETE FROM millrace.\(table) WHERE topology = $1", [.text(topology)])
            }
            if bookkeeping.contains("permits") {
                // Of a topology that had the name long ago. What this one's processes hold goes along.
                try connection.query("DELETE FROM millrace.permits WHERE topology = $1", [.text(name)])
            }
            for table in bookkeeping + ["log"] {
                try connection.query(
                    "UPDATE millrace.\(table) SET topology = $2 WHERE topology = $1", [.text(topology), .text(name)])
            }
            // What is deployed refers to a version at any time.
            try connection.query(
                """
                INSERT INTO millrace.versions (topology, version, file, digest, note, plan, accepts_gaps, deployed_by, deployed_at)
                SELECT $2, version, file, digest, note, plan, accepts_gaps, deployed_by, deployed_at
                FROM millrace.versions WHERE topology = $1
                """, [.text(topology), .text(name)])
            let version = try Self.addVersion(
                of: name, file: file, note: "was \(topology) before", by: person, &connection)
            try connection.query(
                """
                UPDATE millrace.deployments SET topology = $2, version = $3, generation = generation + 1,
                    wanted = CASE WHEN paused_for = '' THEN wanted ELSE 'running' END, paused_for = '',
                    changed_by = $4, changed_at = now() WHERE topology = $1
                """, [.text(topology), .text(name), .int32(Int32(version)), .text(person)])
            try connection.query("DELETE FROM millrace.versions WHERE topology = $1", [.text(topology)])
            return version
        }
    }

    /// What speaks against a new name of a topology, before anything is stopped.
    package mutating func checkNames(_ topology: String, _ name: String) throws {
        guard try deployments().contains(where: { $0.topology == topology }) else { throw try unknown(topology) }
        try Self.checkIsAlone(topology, &connection)
        try checkReplays(of: [topology])
        try Self.checkIsFree(name, try Swap.tablesByTopology(and: Self.stepTables, &connection), &connection)
    }

    private static func checkIsAlone(_ topology: String, _ connection: inout Connection) throws {
        let names = try deployments(&connection).map(\.topology)
        guard let beside = names.first(where: { Rebuild(name: $0)?.topology == topology }) else { return }
        throw CatalogError(
            code: .nothingToDo,
            description: "topology \(topology): \(beside) stands beside it; promote it, or remove it, first")
    }

    /// What is still to be run after commits goes along.
    private static let stepTables = ["steps", "step_runs", "step_rows"]

    /// What only says who runs a topology: no reason not to take its name.
    private static let ofProcesses = ["instances", "permits"]

    private static func checkIsFree(
        _ name: String, _ bookkeeping: [String], _ connection: inout Connection
    ) throws {
        for table in ["deployments", "versions"] + bookkeeping where !ofProcesses.contains(table) {
            let found = try connection.query(
                "SELECT 1 FROM millrace.\(table) WHERE topology = $1 LIMIT 1", [.text(name)])
            guard found.rowCount > 0 else { continue }
            throw CatalogError(
                code: .nothingToDo,
                description: table == "deployments"
                    ? "a topology \(name) is deployed already; choose another name"
                    : "there was a topology \(name) before, and millrace.\(table) has rows of it; choose another name")
        }
    }
}
