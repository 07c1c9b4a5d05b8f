import Postgres

/// Looks in every commit whether the tables are still those of the start: one that is emptied, or made again under its
/// name, while it is written would lack all that was read before, and nothing would say so.
struct TableWatch {
    /// Where the tables are, and where their rows are stored: TRUNCATE and whatever rewrites a table change the latter.
    static let sql = """
        SELECT k.n, c.oid::bigint, c.relfilenode::bigint FROM pg_catalog.unnest($1::text[]) AS k(n)
        LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(k.n)::pg_catalog.oid
        """

    /// The tables as they were seen last, by their quoted names.
    private var places: [String: TablePlace]

    init(_ places: [TablePlace]) {
        self.places = Dictionary(places.map { ($0.quoted, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Compares what the statement answered; behind the tables' tickets, before anything is written.
    /// - Parameter unwritten: tables that have had no rows yet, so that they cannot have lost any.
    /// - Throws: `SinkError` naming the table that is another one now, or empty.
    mutating func compare(
        _ answer: QueryResult, unwritten: [TablePlace], _ connection: inout Connection
    ) throws {
        for row in 0..<answer.rowCount {
            guard let name = try answer.text(row, 0), var place = places[name] else { continue }
            let (oid, storage) = (try answer.int64(row, 1), try answer.int64(row, 2) ?? 0)
            guard oid == place.oid else {
                throw Self.refusal(place, oid == nil ? "it is gone" : "another table has taken its name")
            }
            guard storage != place.storage else { continue }
            // VACUUM FULL and some kinds of ALTER TABLE store the rows elsewhere and keep them.
            let hasRows = try unwritten.contains { $0.quoted == name } || place.hasRows(&connection)
            guard hasRows else { throw Self.refusal(place, "it was emptied") }
            place.storage = storage
            places[name] = place
        }
    }

    private static func refusal(_ place: TablePlace, _ what: String) -> SinkError {
        SinkError(
            code: .historyMismatch,
            description:
                "table \(place.shown): \(what) while it was written, so it lacks what was read before; nothing more was "
                + "written, and the next start says how much is missing and what can be done")
    }
}
