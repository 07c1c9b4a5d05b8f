import Foundation
import Postgres

/// What is to run.
extension Catalog {
    /// What a deployment has done.
    package enum DeployOutcome: Sendable, Equatable {
        /// The version and whether the topology runs or is paused.
        case deployed(version: Int, Wanted)
        /// The file is the one that is deployed.
        case unchanged(version: Int)
    }

    /// Makes a file the version of its topology that is to run.
    /// - Parameters:
    ///   - note: what there is to say about it.
    ///   - acceptsGaps: whether tables that lack what was read before are accepted at its first start.
    /// - Throws: `CatalogError`, `PostgresError`.
    package mutating func deploy(
        _ topology: String, file: String, note: String, acceptsGaps: Bool, by person: String
    ) throws -> DeployOutcome {
        try change(topology) { connection in
            try Self.takeTurn(topology, &connection)
            return try Self.deploy(
                topology, file: file, note: note, acceptsGaps: acceptsGaps, by: person, &connection)
        }
    }

    /// Changes tables, and makes the file that they are changed for the version of its topology that is to run. Meanwhile
    /// nobody else deploys, renames or removes the topology.
    /// - Parameters:
    ///   - plan: what it changes, as it was shown.
    ///   - expected: what is deployed now.
    ///   - changeTables: changes them, in transactions of its own.
    /// - Throws: `CatalogError`, `PostgresError`, and what `changeTables` throws; nothing is deployed then.
    package mutating func deploy(
        _ topology: String, file: String, note: String, plan: String, acceptsGaps: Bool, expected: DeploymentBase,
        by person: String, changingTables changeTables: () throws -> Void
    ) throws -> DeployOutcome {
        try change(topology) { connection in
            try Self.takeTurn(topology, alone: true, &connection)
            // However long a table takes.
            try connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            try Self.check(topology, isAt: expected, &connection)
            try changeTables()
            return try Self.deploy(
                topology, file: file, note: note, plan: plan, acceptsGaps: acceptsGaps, by: person, &connection)
        }
    }

    static func deploy(
        _ topology: String, file: String, note: String, plan: String = "", acceptsGaps: Bool, by person: String,
        _ connection: inout Connection
    ) throws -> DeployOutcome {
        guard file.utf8.count <= CatalogLimits.fileBytes else {
            throw CatalogError(code: .tooLong, description: "topology \(topology): the file has more than 4 MiB")
        }
        // Two who deploy at once take turns; a topology without a row has nothing to lock.
        try connection.execute("LOCK TABLE millrace.deployments IN SHARE ROW EXCLUSIVE MODE")
        let current = try connection.query(
            """
            SELECT d.version, d.wanted, v.digest = encode(sha256(convert_to($2, 'UTF8')), 'hex')
            FROM millrace.deployments d JOIN millrace.versions v USING (topology, version) WHERE d.topology = $1
            """, [.text(topology), .text(file)])
        var wanted = Wanted.running
        if current.rowCount > 0 {
            wanted = Wanted(rawValue: try current.text(0, 1) ?? "") ?? .running
            if try current.bool(0, 2) == true, !acceptsGaps {
                return .unchanged(version: Int(try current.int32(0, 0) ?? 0))
            }
        }
        let version = try addVersion(
            of: topology, file: file, note: note, plan: plan, acceptsGaps: acceptsGaps, by: person, &connection)
        try connection.query(
            """
            INSERT INTO millrace.deployments AS d (topology, version, wanted, changed_by) VALUES ($1, $2, 'running', $3)
            ON CONFLICT (topology) DO UPDATE SET version = EXCLUDED.version, generation = d.generation + 1,
                changed_by = EXCLUDED.changed_by, changed_at = now()
            """, [.text(topology), .int32(Int32(version)), .text(person)])
        return .deployed(version: version, wanted)
    }

    /// Until the transaction ends, nobody else applies a plan to a topology.
    /// - Parameter isAlone: whether this applies one, and nobody else may change what is deployed either.
    /// - Throws: `CatalogError` when one is being applied for long: a table may be written anew.
    static func takeTurn(_ topology: String, alone isAlone: Bool = false, _ connection: inout Connection) throws {
        let end = ContinuousClock.now + .seconds(CatalogLimits.tableLock)
        while true {
            let isOurs = try connection.query(
                "SELECT pg_try_advisory_xact_lock\(isAlone ? "" : "_shared")(hashtext('millrace plan'), hashtext($1))",
                [.text(topology)]
            ).bool(0, 0)
            if isOurs == true { return }
            guard ContinuousClock.now < end else { break }
            Thread.sleep(forTimeInterval: 0.1)
        }
        throw CatalogError(
            code: .locked,
            description:
                "topology \(topology): somebody is applying a plan to it just now; try again when that has ended")
    }

    /// Keeps a file as the next version of a topology.
    static func addVersion(
        of topology: String, file: String, note: String, plan: String = "", acceptsGaps: Bool = false,
        by person: String, _ connection: inout Connection
    ) throws -> Int {
        let version = try nextVersion(of: topology, &connection)
        try connection.query(
            """
            INSERT INTO millrace.versions (topology, version, file, digest, note, plan, accepts_gaps, deployed_by)
            VALUES ($1, $7, $2, encode(sha256(convert_to($2, 'UTF8')), 'hex'), $3, $4, $5, $6)
            """,
            [
                .text(topology), .text(file), .text(note), .text(plan), .bool(acceptsGaps), .text(person),
                .int32(Int32(version)),
            ])
        return version
    }

    /// The number of a topology's next version: one that neither a version has, nor what stands beside the topology or has
    /// left tables there. So version 5 and `kpis@5` are never two things.
    static func nextVersion(of topology: String, _ connection: inout Connection) throws -> Int {
        let isThere = try connection.query("SELECT to_regclass('millrace.tables') IS NOT NULL").bool(0, 0) == true
        let found = try connection.query(
            """
            SELECT coalesce(max(n), 0) + 1 FROM (
                SELECT version AS n FROM millrace.versions WHERE topology = $1
                UNION ALL SELECT tag::integer FROM (
                    SELECT substr(topology, length($1) + 2) AS tag FROM (
                        SELECT topology FROM millrace.deployments
                        \(isThere ? "UNION ALL SELECT topology FROM millrace.tables" : "")) all_names
                    WHERE starts_with(topology, $1 || '@')) tags
                WHERE tag ~ '^[0-9]{1,9}$') numbers
            """, [.text(topology)])
        return Int(try found.int32(0, 0) ?? 1)
    }

    /// What is deployed of a topology now.
    package mutating func base(of topology: String) throws -> DeploymentBase {
        try Self.deployment(of: topology, &connection)?.base ?? DeploymentBase(version: 0, generation: 0)
    }

    /// Whether what a plan was made on is still what is deployed.
    /// - Throws: `CatalogError` that says what has changed, and by whom.
    package mutating func check(_ topology: String, isAt expected: DeploymentBase) throws {
        try Self.check(topology, isAt: expected, &connection)
    }

    private static func check(
        _ topology: String, isAt expected: DeploymentBase, _ connection: inout Connection
    ) throws {
        guard let found = try deployment(of: topology, &connection) else {
            guard expected.version > 0 else { return }
            throw CatalogError(
                code: .moved,
                description:
                    "topology \(topology): the plan was made on version \(expected.version), and it is not deployed "
                    + "in this database: it was renamed or removed since, or this is another database; make a new plan, "
                    + "or name the plan's database")
        }
        guard found.base != expected else { return }
        let command = found.pausedFor
        let change =
            found.version != expected.version
            ? "version \(found.version) was deployed"
            : command.isEmpty ? "its run was changed" : "\(command) has it paused"
        throw CatalogError(
            code: .moved,
            description:
                "topology \(topology): the plan was made on version \(expected.version), and since then \(change) by "
                + "\(found.changedBy); make a new plan" + (command.isEmpty ? "" : " when that is done"))
    }

    /// What is deployed, by name.
    package mutating func deployments() throws -> [Deployment] { try Self.deployments(&connection) }

    /// What is deployed of a topology; nil when it is not.
    static func deployment(of topology: String, _ connection: inout Connection) throws -> Deployment? {
        try deployments(&connection).first { $0.topology == topology }
    }

    static func deployments(_ connection: inout Connection) throws -> [Deployment] {
        let found = try connection.query(
            """
            SELECT topology, version, wanted, generation, settings::text, changed_by, changed_at, paused_for,
                extract(epoch FROM clock_timestamp() - changed_at)::double precision
            FROM millrace.deployments ORDER BY topology
            """)
        return try (0..<found.rowCount).map { row in
            Deployment(
                topology: try found.text(row, 0) ?? "", version: Int(try found.int32(row, 1) ?? 0),
                wanted: Wanted(rawValue: try found.text(row, 2) ?? "") ?? .paused,
                generation: try found.int64(row, 3) ?? 0,
                settings: try JSONDecoder().decode(RunSettings.self, from: Data((try found.text(row, 4) ?? "{}").utf8)),
                changedBy: try found.text(row, 5) ?? "", changedAt: try found.microsecondsSince1970(row, 6) ?? 0,
                pausedFor: try found.text(row, 7) ?? "", secondsSinceChange: try found.double(row, 8) ?? .infinity)
        }
    }

    /// The versions of a topology, the newest first.
    package mutating func versions(of topology: String) throws -> [TopologyVersion] {
        try versions(of: topology, only: nil)
    }

    private mutating func versions(of topology: String, only number: Int?) throws -> [TopologyVersion] {
        let found = try connection.query(
            """
            SELECT version, file, digest, note, accepts_gaps, deployed_by, deployed_at FROM millrace.versions
            WHERE topology = $1 AND ($2::integer IS NULL OR version = $2) ORDER BY version DESC
            """, [.text(topology), number.flatMap { Int32(exactly: $0) }.map { .int32($0) } ?? .null])
        return try (0..<found.rowCount).map { row in
            TopologyVersion(
                topology: topology, version: Int(try found.int32(row, 0) ?? 0), file: try found.text(row, 1) ?? "",
                digest: try found.text(row, 2) ?? "", note: try found.text(row, 3) ?? "",
                acceptsGaps: try found.bool(row, 4) ?? false, deployedBy: try found.text(row, 5) ?? "",
                deployedAt: try found.microsecondsSince1970(row, 6) ?? 0)
        }
    }

    /// What the versions of a topology changed, as it was shown when they were deployed, by version; only what there is.
    package mutating func plans(of topology: String) throws -> [Int: String] {
        let found = try connection.query(
            "SELECT version, plan FROM millrace.versions WHERE topology = $1 AND plan <> ''", [.text(topology)])
        var plans: [Int: String] = [:]
        for row in 0..<found.rowCount { plans[Int(try found.int32(row, 0) ?? 0)] = try found.text(row, 1) }
        return plans
    }

    /// A version of a topology.
    /// - Throws: `CatalogError` when there is none.
    package mutating func version(_ number: Int, of topology: String) throws -> TopologyVersion {
        if Int32(exactly: number) != nil, let found = try versions(of: topology, only: number).first { return found }
        let newest = try connection.query(
            "SELECT max(version) FROM millrace.versions WHERE topology = $1", [.text(topology)]
        ).int32(0, 0)
        guard let newest else { throw try unknown(topology) }
        throw CatalogError(
            code: .unknownVersion,
            description: "topology \(topology) has no version \(number), expected "
                + (number > 0 && number < newest ? "one of millrace list \(topology)" : "1 to \(newest)"))
    }

    /// Notes that a version has been started with the gaps it was deployed with: what is missing later is missing anew.
    package mutating func forgetGaps(of topology: String, version: Int) throws {
        try connection.query(
            "UPDATE millrace.versions SET accepts_gaps = false WHERE topology = $1 AND version = $2 AND accepts_gaps",
            [.text(topology), .int32(Int32(version))])
    }

    /// Has a topology run or pause, whoever has paused it.
    /// - Returns: false when it was so already.
    package mutating func set(_ topology: String, to wanted: Wanted, by person: String) throws -> Bool {
        try update(
            topology, by: person, set: "wanted = $3, paused_for = '', generation = generation + 1",
            where: "(wanted <> $3 OR paused_for <> '')", [.text(wanted.rawValue)])
    }

    /// Has a topology stop in order and begin again, wherever it runs.
    package mutating func restart(_ topology: String, by person: String) throws {
        _ = try update(topology, by: person, set: "generation = generation + 1", where: "true", [])
    }

    /// Changes how a topology runs.
    /// - Parameter check: looks at the settings that are to hold, and at the version that they are for; nothing is changed
    ///   when it throws.
    /// - Returns: the settings that hold now.
    package mutating func set(
        _ topology: String, _ settings: RunSettings, by person: String,
        check: (RunSettings, TopologyVersion) throws -> Void = { _, _ in }
    ) throws -> RunSettings {
        while true {
            guard let before = try deployments().first(where: { $0.topology == topology }) else {
                throw try unknown(topology)
            }
            let after = before.settings.updated(with: settings)
            try check(after, try version(before.version, of: topology))
            if after == before.settings { return after }
            // Somebody else may change them at the same time: then it is looked at again.
            let restart = before.settings.needsRestart(for: after) ? ", generation = generation + 1" : ""
            let isDone = try update(
                topology, by: person, set: "settings = $3::jsonb" + restart,
                where: "generation = $4 AND changed_at = $5",
                [
                    .text(Self.json(after)), .int64(before.generation),
                    .timestamp(microsecondsSince1970: before.changedAt),
                ])
            if isDone { return after }
        }
    }

    mutating func update(
        _ topology: String, by person: String, set changes: String, where condition: String, _ more: [Parameter]
    ) throws -> Bool {
        let changed = try change(topology) { connection in
            try connection.query(
                """
                UPDATE millrace.deployments SET \(changes), changed_by = $2, changed_at = now()
                WHERE topology = $1 AND \(condition)
                """, [.text(topology), .text(person)] + more
            ).affectedRows ?? 0
        }
        if changed > 0 { return true }
        guard try deployments().contains(where: { $0.topology == topology }) else { throw try unknown(topology) }
        return false
    }

    /// Takes a topology out of the catalogue; its versions, tables and positions stay.
    package mutating func remove(_ topology: String) throws {
        let isRemoved = try change(topology) { connection in
            try Self.takeTurn(topology, &connection)
            return try Self.remove(topology, &connection)
        }
        if !isRemoved { throw try unknown(topology) }
    }

    /// - Returns: false when it was not there.
    @discardableResult
    static func remove(_ topology: String, _ connection: inout Connection) throws -> Bool {
        // Deployed again, its runs are counted anew.
        try connection.query("DELETE FROM millrace.crashes WHERE topology = $1", [.text(topology)])
        let removed = try connection.query("DELETE FROM millrace.deployments WHERE topology = $1", [.text(topology)])
        return removed.affectedRows ?? 0 > 0
    }

    /// Says that a topology is not deployed, and which are.
    package mutating func unknown(_ topology: String) throws -> CatalogError {
        let names = try deployments().map(\.topology)
        let known = names.isEmpty ? "none is" : "these are: \(names.joined(separator: ", "))"
        return CatalogError(
            code: .unknownTopology, description: "topology \(topology) is not deployed in this database; \(known)")
    }
}
