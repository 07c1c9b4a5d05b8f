/// How a transaction begins: READ COMMITTED and read-write, with the settings that its results depend on given by us
/// instead of inherited from the role, the database or the server's configuration.
///
/// All settings are local to the transaction, so a pooler in transaction mode never hands them to another client.
public struct TransactionStart: Sendable {
    /// Where names without a schema are looked up.
    public enum SearchPath: Sendable, Equatable {
        /// In `pg_catalog` alone: nothing that another role has made can take a builtin's place.
        case builtins
        /// In `pg_catalog`, then in the role's own search path, so that functions and triggers of users find what they
        /// always find. A function of a user beats a polymorphic builtin of the same name, so qualify those.
        case builtinsThenUser
    }

    /// Where names without a schema are looked up.
    public var searchPath: SearchPath
    /// Further settings by name.
    public var settings: [(name: String, value: String)]

    /// Creates a start. Setting names and values are the program's own, never a user's.
    public init(searchPath: SearchPath, settings: [(name: String, value: String)] = []) {
        self.searchPath = searchPath
        self.settings = settings
    }

    /// The statement that makes the settings; answers the process's id and when the transaction began.
    func settingsStatement(serverVersion: Int) -> String {
        var all = [("statement_timeout", "0"), ("standard_conforming_strings", "on")]
        if serverVersion >= 170_000 { all.append(("transaction_timeout", "0")) }
        let calls = (all + settings).map { "pg_catalog.set_config('\($0.0)', '\($0.1)', true)" }
        return "SELECT pg_catalog.pg_backend_pid(), pg_catalog.transaction_timestamp(), "
            + "pg_catalog.set_config('search_path', $1, true), " + calls.joined(separator: ", ")
    }

    func path(_ userSchemas: [String]) -> String {
        // Temporary tables would otherwise come first.
        let schemas = searchPath == .builtins ? [] : userSchemas.map(Self.quote)
        return (["pg_catalog"] + schemas + ["pg_temp"]).joined(separator: ", ")
    }

    private static func quote(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

extension Connection {
    /// Opens a transaction and runs its first statements, all in one round trip.
    ///
    /// - Parameters:
    ///   - start: how it begins.
    ///   - deadline: as for ``pipeline(deadline:_:)``.
    ///   - build: adds the first statements; nothing, if there are none.
    /// - Returns: the results of the statements that `build` added.
    /// - Throws: ``PostgresError``; its `statementIndex` counts the statements of `build`. A transaction may then be
    ///   open, and has failed.
    @discardableResult
    public mutating func begin(
        _ start: TransactionStart, deadline: ContinuousClock.Instant? = nil,
        _ build: (inout Pipeline) -> Void = { _ in }
    ) throws(PostgresError) -> [QueryResult] {
        let opening = 2
        let settings = start.settingsStatement(serverVersion: serverVersion)
        let path = start.path(userSchemas)
        do throws(PostgresError) {
            let answers = try pipeline(deadline: deadline) { pipeline in
                pipeline.query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
                pipeline.query(settings, [.text(path)])
                build(&pipeline)
            }
            guard answers.count >= opening, let id = try answers[1].int32(0, 0) else { return [] }
            process = ServerProcess(
                id: id, started: id == process?.id ? process?.started : nil,
                transactionStarted: try answers[1].microsecondsSince1970(0, 1))
            return Array(answers.dropFirst(opening))
        } catch {
            var error = error
            error.statementIndex = error.statementIndex.flatMap { $0 < opening ? nil : $0 - opening }
            throw error
        }
    }
}
