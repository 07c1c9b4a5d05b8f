import Postgres

/// A statement changed fewer rows than it was to change: something in the database swallowed or redirected them.
///
/// Nothing of the transaction may be committed. An insert may also have met rows that came into being at the same moment
/// (someone writes without the ticket); those are there at the next try.
struct LostRows: Error {
    /// What did not happen to the rows.
    enum Action: String {
        case insert = "inserted"
        case update = "updated"
    }

    /// The table for people.
    var table: String
    /// Its quoted name.
    var quoted: String
    var action: Action
    /// How many rows the statement was to change, and how many it did.
    var expected: Int
    var found: Int

    /// Checks the row count of a statement.
    /// - Throws: `LostRows` unless every row was changed.
    static func check(
        _ found: Int?, of expected: Int, _ action: Action, _ table: String, _ quoted: String
    ) throws(LostRows) {
        if found == expected { return }
        throw LostRows(table: table, quoted: quoted, action: action, expected: expected, found: found ?? 0)
    }

    /// What a person is told, with whatever on the table can be to blame. The connection is in a transaction that can go
    /// on.
    func explained(_ connection: inout Connection) throws -> SinkError {
        let suspects = try suspects(&connection)
        let what =
            suspects.isEmpty
            ? "no trigger, rule or policy on it explains it; does something else write to the table, or delete from it?"
            : "to blame may be \(suspects.joined(separator: ", ")); a row must reach the table as it was sent: let the "
                + "trigger RETURN NEW, or drop what is in the way"
        return SinkError(
            code: .refused,
            description:
                "table \(table): \(expected - found) of \(expected) row(s) were not \(action.rawValue), although "
                + "Postgres reported no error, so nothing was committed; \(what)")
    }

    private func suspects(_ connection: inout Connection) throws -> [String] {
        let found = try connection.query(Self.sql, [.text(quoted), .int32(action == .insert ? 4 : 16)])
        return try (0..<found.rowCount).compactMap { try found.text($0, 0) }
    }

    /// Row triggers before or instead of the statement, rules in its place, policies; those of partitions too.
    private static let sql = """
        WITH RECURSIVE place AS (
            SELECT pg_catalog.to_regclass($1)::oid AS id
            UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN place p ON i.inhparent = p.id
        )
        SELECT pg_catalog.format('trigger %s (function %s)', t.tgname, t.tgfoid::regproc)
        FROM pg_catalog.pg_trigger t JOIN place p ON t.tgrelid = p.id
        WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype::int4 & 1) = 1 AND (t.tgtype::int4 & 66) > 0
            AND (t.tgtype::int4 & $2) > 0
        UNION SELECT pg_catalog.format('rule %s', r.rulename)
        FROM pg_catalog.pg_rewrite r JOIN place p ON r.ev_class = p.id
        WHERE r.is_instead AND r.ev_type = CASE $2 WHEN 4 THEN '3' ELSE '2' END
        UNION SELECT 'its row-level security' FROM pg_catalog.pg_class c JOIN place p ON c.oid = p.id
        WHERE c.relrowsecurity
        ORDER BY 1
        """
}
