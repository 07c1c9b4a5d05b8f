import Declaration
import Postgres

/// Compares a table with its query, row by row and column by column.
struct TableComparison {
    private let query: TableQuery

    init(_ query: TableQuery) { self.query = query }

    /// How many standard errors an estimate may be away.
    private static let standardErrors = 6.0

    /// The first rows that differ, nil when none does.
    func difference(_ connection: inout Connection) throws -> String? {
        let columns = query.columns.map { SQLWord.name($0.name) }
        let keys = query.columns.filter { $0.agreement == .key }.map { SQLWord.name($0.name) }
        let others = query.columns.filter { $0.agreement != .key }
        // Rows of one key are one; nothing else tells a row from another.
        let key = keys.isEmpty ? "'all'" : "ROW(\(keys.joined(separator: ", ")))::text"
        let tests = others.map { column in
            let name = SQLWord.name(column.name)
            return "CASE WHEN \(test(column)) THEN "
                + "' \(column.name): found ' || coalesce(f.\(name)::text, 'null') || ', expected ' || "
                + "coalesce(e.\(name)::text, 'null') ELSE '' END"
        }
        let text = """
            SELECT key, CASE WHEN f.key_found IS NULL THEN 'the table lacks it'
                WHEN e.key_expected IS NULL THEN 'the query lacks it'
                ELSE \((tests + ["''"]).joined(separator: " || ")) END AS problem
            FROM (SELECT \(key) AS key, 1 AS key_expected, q.* FROM (\(query.text)) q) e
            FULL JOIN (SELECT \(key) AS key, 1 AS key_found, \(columns.joined(separator: ", "))
                FROM \(SQLWord.name(query.table))) f USING (key)
            """
        let result = try connection.query("SELECT key || ': ' || problem FROM (\(text)) c WHERE problem <> '' LIMIT 3")
        guard result.rowCount > 0 else { return nil }
        return try (0..<result.rowCount).map { try result.text($0, 0) ?? "" }.joined(separator: "\n")
    }

    /// Whether a column differs.
    private func test(_ column: TableQueryColumn) -> String {
        let (found, expected) = ("f.\(SQLWord.name(column.name))", "e.\(SQLWord.name(column.name))")
        let isNullAlone = "(\(found) IS NULL) <> (\(expected) IS NULL)"
        func isFar(_ bound: String) -> String {
            "\(isNullAlone) OR abs(cast(\(found) AS numeric) - cast(\(expected) AS numeric)) > \(bound)"
        }
        switch column.agreement {
        case .key, .exact: return "\(found) IS DISTINCT FROM \(expected)"
        case .rounded: return isFar("1e-9 * abs(cast(\(expected) AS numeric)) + 1e-6")
        case .within(let relative):
            return isFar("\(relative * 1.000001) * abs(cast(\(expected) AS numeric)) + 1e-12")
        case .estimate(let error, let exactUpTo):
            return isFar(
                "CASE WHEN \(expected) <= \(exactUpTo) THEN 0 ELSE \(Self.standardErrors * error) * \(expected) + 1 END"
            )
        }
    }
}
