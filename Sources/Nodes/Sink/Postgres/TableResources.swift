import Declaration
import Postgres

/// The database of a `postgres` node: positions and tables move in one transaction, so a topology has one.
struct DatabaseAddress: Resource {
    /// Nil when it is not known, which a diagnostic says, or does not matter.
    let url: String?
    let location: SourceLocation

    func clash(with earlier: any Resource) -> Diagnostic? {
        guard let earlier = earlier as? DatabaseAddress, let url, let other = earlier.url,
            other != url
        else { return nil }
        return Diagnostic(
            code: "second-database", at: location,
            "the postgres sinks of a topology share one database: offsets and tables move in one transaction",
            hint: "use the same url, or a topology of its own for the other database")
    }

    /// Says what is wrong with a URL's text; nothing of it is shown.
    static func check(_ url: String, at location: SourceLocation, _ problems: inout Diagnostics) {
        do throws(PostgresError) {
            try ConnectionSettings.check(url: url)
        } catch {
            // In one text: advice is left out of problems with values from the environment, since it is often made of them.
            let hint = error.hint.map { "; \($0)" } ?? ""
            problems.append(Diagnostic(code: "database-url", at: location, error.message + hint))
        }
    }
}

/// The table of a `postgres` node, which no other node writes.
struct TableAddress: Resource {
    let name: TableName
    let location: SourceLocation

    func clash(with earlier: any Resource) -> Diagnostic? {
        guard let twin = (earlier as? TableAddress)?.name, twin.table == name.table else { return nil }
        if twin == name {
            return Diagnostic(
                code: "table-twice", at: location,
                "table \(name) is written by two sinks, expected a table of its own for each")
        }
        guard (twin.schema == nil) != (name.schema == nil) else { return nil }
        return Diagnostic(
            .warning, code: "table-alias", at: location,
            "table \(name) may be table \(twin), which another sink writes: the search path decides",
            hint: "name the schema of both")
    }
}
