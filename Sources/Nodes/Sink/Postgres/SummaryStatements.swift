import Postgres

/// The SQL of one summary table. Keys and values travel as arrays, one statement per batch of rows.
struct SummaryStatements {
    /// Reads and locks the rows of the given keys, in key order; first column: the key's position, from 1.
    let select: String
    /// Inserts rows, leaving alone keys that are there already; answers the keys it inserted, in order. A conflict with
    /// any other unique index, which only a user can have made, is an error.
    let insert: String
    /// Overwrites rows; a null `bytea` leaves its column as it is.
    let update: String

    init(_ table: SummaryTable, merged: [String]) {
        let name = table.place.quoted
        let keyNames = table.primaryKey.map(\.quoted)
        let onKey = keyNames.map { "t.\($0) = k.\($0)" }.joined(separator: " AND ")
        let mergedList = merged.map { ", t." + SQLName.quote($0) }.joined()
        select = """
            SELECT k.ordinal\(mergedList) FROM \(Self.unnest(table.primaryKey)) WITH ORDINALITY \
            AS k(\(keyNames.joined(separator: ", ")), ordinal) \
            JOIN \(name) t ON \(onKey) ORDER BY k.ordinal FOR UPDATE OF t
            """
        let columns = table.columns
        let allNames = columns.map(\.quoted).joined(separator: ", ")
        insert = """
            INSERT INTO \(name) (\(allNames)) SELECT * FROM \(Self.unnest(columns)) \
            ON CONFLICT (\(keyNames.joined(separator: ", "))) DO NOTHING RETURNING \(keyNames.reversed().joined(separator: ", "))
            """
        let sets = (table.plain + table.states).map { column in
            column.kind == .bytea
                ? "\(column.quoted) = coalesce(k.\(column.quoted), t.\(column.quoted))"
                : "\(column.quoted) = k.\(column.quoted)"
        }
        update = """
            UPDATE \(name) t SET \(sets.joined(separator: ", ")) \
            FROM \(Self.unnest(columns)) AS k(\(allNames)) WHERE \(onKey)
            """
    }

    /// Arrays as rows. With several arrays `unnest` is a word of the syntax, always Postgres' own; with one it is a function,
    /// which somebody else's could take the place of.
    private static func unnest(_ columns: [TableColumn]) -> String {
        let arrays = columns.enumerated().map { "$\($0.offset + 1)::\($0.element.kind.rawValue)[]" }
        return (arrays.count == 1 ? "pg_catalog." : "") + "unnest(\(arrays.joined(separator: ", ")))"
    }
}
