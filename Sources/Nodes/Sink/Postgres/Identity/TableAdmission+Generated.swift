import Postgres
import Summaries

/// Whether the columns that Postgres computes are there, and computed as the file says.
extension TableAdmission {
    /// What is wrong with the computed columns of a table that is there already.
    mutating func checkGenerated(_ found: TableColumns, _ connection: inout Connection) throws {
        let there = table.generated.filter { found[$0.name] != nil }
        let missing = table.generated.filter { found[$0.name] == nil }
        if !missing.isEmpty {
            let names = missing.map(\.name).joined(separator: ", ")
            problems.append(
                TableProblem(
                    text: "it has no column \(names)",
                    choices: [
                        "add what is missing, and start again: " + Self.computing(missing, in: place)
                            + " Postgres then writes the table anew, and old rows have the values too"
                    ], remedy: [TableRemedy(sql: Self.computing(missing, in: place), rewrites: true)]))
        }
        guard !there.isEmpty else { return }
        let expressions = try canonicalExpressions(&connection)
        for column in there {
            guard let existing = found[column.name] else { continue }
            let problem: String
            if existing.type != "double precision" {
                problem = "its column \(column.name) is \(existing.type), expected a generated double precision"
            } else if existing.generated == nil {
                problem = "its column \(column.name) is not generated, so nobody computes it"
            } else if existing.expression != expressions[column.name] {
                problem =
                    "its column \(column.name) is computed otherwise, found \(existing.expression ?? "identity"), "
                    + "expected \(expressions[column.name] ?? column.expression)"
            } else {
                continue
            }
            let anew = [
                "ALTER TABLE \(place.quoted) DROP COLUMN \(SQLName.quote(column.name));",
                Self.computing([column], in: place),
            ]
            problems.append(
                TableProblem(
                    text: problem,
                    choices: [
                        "put the file back as it was",
                        "or have it computed anew, for all rows, and start again: " + anew.joined(separator: " "),
                    ], remedy: existing.generated == nil ? [] : anew.map { TableRemedy(sql: $0, rewrites: true) }))
        }
    }

    private static func computing(_ columns: [GeneratedTableColumn], in place: TablePlace) -> String {
        let additions = columns.map { "ADD COLUMN " + $0.definition }
        return "ALTER TABLE \(place.quoted) \(additions.joined(separator: ", "));"
    }

    /// The expressions of all computed columns as this database writes them, from a table of no rows: in schema
    /// `millrace` where this role may make tables, which not every one may that may make temporary ones, nor the other way
    /// round.
    private func canonicalExpressions(_ connection: inout Connection) throws -> [String: String] {
        let columns = table.plain.map(\.definition) + table.generated.map(\.definition)
        let isAllowed = try connection.query("SELECT has_schema_privilege('millrace', 'CREATE')").bool(0, 0) == true
        let scratch = isAllowed ? "millrace.expressions" : "pg_temp.expressions"
        try connection.execute("CREATE TABLE \(scratch) (\(columns.joined(separator: ", ")))")
        let found = try connection.query(
            """
            SELECT a.attname::text, pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a
            JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = '\(scratch)'::regclass
            """)
        try connection.execute("DROP TABLE \(scratch)")
        return Dictionary(
            uniqueKeysWithValues: try (0..<found.rowCount).map { row in
                (try found.text(row, 0) ?? "", try found.text(row, 1) ?? "")
            })
    }
}
