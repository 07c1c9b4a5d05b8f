import Postgres
import Summaries

/// The view beside a table with approximate metrics: its plain columns, and of each approximate one also the bounds.
///
/// A view holds on to its table, so that dropping the table, or a column, would fail. This one stands on a function instead,
/// whose body Postgres keeps as text: nothing depends on the table, and the planner puts the body in the function's place, so
/// that conditions reach the table's indexes.
struct BoundsView {
    /// What the view's name ends in.
    static let suffix = "_bounds"

    private let place: TablePlace
    private let columns: [(name: String, type: String, value: String)]
    /// Bounds for which there is no name.
    private let unnamed: [String]

    /// Nil when nothing in the table is approximate.
    init?(of table: SummaryTable, at place: TablePlace) {
        guard table.metrics.contains(where: { $0.columns.contains { $0.bounds != nil } }) else { return nil }
        self.place = place
        let heads = table.columns.dropLast(table.plain.count + table.states.count + 1)
        var columns = heads.map { ($0.name, $0.kind.rawValue, "t." + $0.quoted) }
        var taken = Set(table.columns.map(\.name) + table.generated.map(\.name))
        var unnamed: [String] = []
        let counts = table.metrics.filter(\.countsRecords).map { "t." + SQLName.quote($0.name) }
        for metric in table.metrics {
            for column in metric.columns where column.isShown {
                let type = TableColumn(column).kind.rawValue
                guard let bounds = column.bounds else {
                    columns.append((column.name, type, "t." + SQLName.quote(column.name)))
                    continue
                }
                let value = Self.bounded(column, bounds, counts)
                columns.append((column.name, type, value.value))
                for (suffix, text) in [("_low", value.low), ("_high", value.high)] {
                    let name = column.name + suffix
                    if name.utf8.count > TableName.partBytesMax || !taken.insert(name).inserted {
                        unnamed.append(name)
                    } else {
                        columns.append((name, type, text))
                    }
                }
            }
        }
        self.columns = columns + table.generated.map { ($0.name, "double precision", "t." + SQLName.quote($0.name)) }
        self.unnamed = unnamed
    }

    /// A value and its bounds in SQL: low ≤ value ≤ high, and whole numbers never above what was counted.
    private static func bounded(
        _ column: ResultColumn, _ bounds: ResultColumn.Bounds, _ counts: [String]
    ) -> (value: String, low: String, high: String) {
        let isWhole = column.kind == .integer
        let most = (bounds.atMost.map { ["t." + SQLName.quote($0)] } ?? []) + (isWhole ? counts : [])
        func read(_ reading: ResultColumn.Reading, _ rounding: String) -> String {
            let arguments = (["t." + SQLName.quote(reading.state)] + reading.arguments).joined(separator: ", ")
            let call = "millrace.\(reading.function)(\(arguments))"
            return isWhole ? "pg_catalog.\(rounding)(\(call))::pg_catalog.int8" : call
        }
        func least(_ values: [String]) -> String { "LEAST(\(values.joined(separator: ", ")))" }
        let shown = "t." + SQLName.quote(column.name)
        let value = most.isEmpty ? shown : least([shown] + most)
        return (
            value, least([read(bounds.low, "floor"), value]),
            "GREATEST(\(least([read(bounds.high, "ceil")] + most)), \(value))"
        )
    }

    /// What may be in the way of making the view again, by SQLSTATE.
    private static let obstacles = [
        "2BP01": "other objects depend on it: drop them, and start again",
        "42501": "it belongs to another role",
        "55P03": "somebody is reading it: start again when that is over",
    ]

    private var name: String { place.name + Self.suffix }
    private var quoted: String { SQLName.quote(place.schema) + "." + SQLName.quote(name) }
    /// The function's name: one for each table, whatever it is called.
    private var function: String { "millrace." + Self.functionPrefix + TableDefinition.digest(of: place.quoted) }
    /// How the names of these functions begin.
    static let functionPrefix = "_bounds_"

    private var script: String {
        let results = columns.map { "\(SQLName.quote($0.name)) \($0.type)" }.joined(separator: ", ")
        let body = "SELECT \(columns.map(\.value).joined(separator: ", ")) FROM \(place.quoted) AS t"
        return """
            CREATE FUNCTION \(function)() RETURNS TABLE (\(results)) LANGUAGE sql STABLE PARALLEL SAFE
            AS \(SQLName.literal(body));
            CREATE VIEW \(quoted) AS SELECT * FROM \(function)();
            """
    }

    private var comment: String {
        "\(place.shown) with bounds of its approximate values, NAME_low and NAME_high (Millrace: made again when the table's "
            + "columns change)"
    }

    /// Makes the view, or brings it up to date; nothing is done when it is.
    /// - Returns: why it is not there, or not as it should be, for a person.
    func update(_ connection: inout Connection) throws -> String? {
        let left =
            unnamed.isEmpty
            ? nil : "view \(quoted) lacks \(unnamed.joined(separator: ", ")): the names are taken or too long"
        guard name.utf8.count <= TableName.partBytesMax else {
            return "table \(place.shown): its name leaves no room for a view called \(name)"
        }
        let digest = TableDefinition.digest(of: script + comment)
        let found = try connection.query(
            """
            SELECT c.relkind::text, obj_description(c.oid, 'pg_class'),
                obj_description(to_regprocedure($3 || '()'), 'pg_proc'),
                pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE'),
                has_schema_privilege('millrace', 'CREATE')
            FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname::text = $2
            WHERE n.nspname::text = $1
            """, [.text(place.schema), .text(name), .text(function)])
        let kind = try found.text(0, 0)
        if let kind {
            guard kind == "v", try found.text(0, 1)?.contains("(Millrace: ") == true else {
                return "table \(place.shown): \(quoted) is somebody else's, so there is no view of bounds"
            }
            if try found.text(0, 2) == digest { return left }
        }
        // Who may not make it has an administrator who may, by starting once as the owner.
        guard try found.bool(0, 3) == true, try found.bool(0, 4) == true else { return left }
        do {
            // Everybody waits for a start, which holds the locks of the bookkeeping, and nobody for a view.
            try connection.execute(
                "SAVEPOINT bounds; SET LOCAL lock_timeout = \(SinkLimits.viewLockTimeoutMilliseconds)")
            try connection.execute("DROP VIEW IF EXISTS \(quoted); DROP FUNCTION IF EXISTS \(function)()")
            try connection.execute(script)
            try connection.execute(
                """
                COMMENT ON VIEW \(quoted) IS \(SQLName.literal(comment));
                COMMENT ON FUNCTION \(function)() IS \(SQLName.literal(digest));
                SET LOCAL lock_timeout = \(SinkLimits.lockTimeoutMilliseconds);
                RELEASE SAVEPOINT bounds
                """)
            return left
        } catch {
            guard let state = error.sqlState, let obstacle = Self.obstacles[state] else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT bounds; RELEASE SAVEPOINT bounds")
            return "view \(quoted) stays as it was, since \(obstacle)"
        }
    }
}
