import Postgres

/// Topologies that a command has stopped, to do what may only be done while nobody writes.
extension Catalog {
    /// Pauses a topology for a command, unless a person has paused it already.
    /// - Parameter command: it is remembered, since the command may be killed.
    /// - Returns: what is deployed then. Whoever runs, changes or removes the topology from now on changes that, and what the
    ///   command does is refused.
    package mutating func pause(
        _ topology: String, for command: String, by person: String
    ) throws -> DeploymentBase {
        _ = try update(
            topology, by: person, set: "wanted = 'paused', paused_for = $3, generation = generation + 1",
            where: "(wanted <> 'paused' OR paused_for NOT IN ('', $3))", [.text(command)])
        return try base(of: topology)
    }

    /// Ends the pause that a command has made, if it still lasts: what a person wants meanwhile stays.
    package mutating func release(_ topology: String, from command: String, by person: String) throws {
        _ = try update(
            topology, by: person, set: "wanted = 'running', paused_for = '', generation = generation + 1",
            where: "paused_for = $3", [.text(command)])
    }

    /// Whether a topology is still paused, and as it was.
    /// - Throws: `CatalogError` when somebody has changed it.
    package mutating func checkIsPaused(_ topology: String, _ base: DeploymentBase) throws {
        try Self.checkIsPaused(topology, base, &connection)
    }

    /// The same inside of the transaction that may only happen while it is: nobody changes that before it has ended.
    static func holdPaused(_ topology: String, _ base: DeploymentBase, _ connection: inout Connection) throws {
        try takeTurn(topology, &connection)
        try connection.execute("LOCK TABLE millrace.deployments IN SHARE ROW EXCLUSIVE MODE")
        try checkIsPaused(topology, base, &connection)
    }

    private static func checkIsPaused(
        _ topology: String, _ base: DeploymentBase, _ connection: inout Connection
    ) throws {
        var what = "it was renamed or removed"
        if let found = try deployment(of: topology, &connection) {
            if found.base == base, found.wanted == .paused { return }
            let change =
                found.version != base.version
                ? "version \(found.version) was deployed"
                : found.wanted == .running ? "it was resumed" : "its run was changed"
            what = "\(change) by \(found.changedBy)"
        }
        throw CatalogError(
            code: .moved,
            description:
                "topology \(topology): \(what) while it was stopped for this; nothing else was changed, try again")
    }
}
