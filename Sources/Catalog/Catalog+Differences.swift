import Postgres

/// How a table of a rebuild differs from the one that runs.
package struct TableDifference: Codable, Sendable, Equatable {
    /// A column of both.
    package struct Column: Codable, Sendable, Equatable {
        package var name: String
        /// Rows, of those in both tables, in which it is the same, and in which it is not.
        package var equal: Int64
        package var different: Int64
        /// The largest difference between two numbers, as a share of the larger one; nil for what is no number.
        package var largest: Double?
    }

    package var table: String
    /// Rows in both, in the one that runs alone, in the rebuild alone.
    package var both: Int64 = 0
    package var onlyLive: Int64 = 0
    package var onlyRebuild: Int64 = 0
    package var columns: [Column] = []
    /// Columns that only one of them has.
    package var gone: [String] = []
    package var new: [String] = []
    /// Whether rows can be compared: the keys are the same.
    package var isComparable = true

    init(table: String) { self.table = table }

    /// Whether every row is in both, and the same.
    package var isNone: Bool {
        isComparable && onlyLive + onlyRebuild == 0 && columns.allSatisfy { $0.different == 0 }
    }
}

/// Two tables compared.
extension Catalog {
    /// Compares the rows of two tables by their primary keys, in one snapshot.
    package mutating func compare(_ pair: TablePair) throws -> TableDifference {
        let (live, beside) = (Self.quoted(pair.schema, pair.live), Self.quoted(pair.schema, pair.beside))
        let (a, b) = (try columns(of: live), try columns(of: beside))
        var result = TableDifference(table: pair.shown)
        result.gone = a.filter { column in !b.contains { $0.name == column.name } }.map(\.name)
        result.new = b.filter { column in !a.contains { $0.name == column.name } }.map(\.name)
        let keys = a.filter(\.isKey).map(\.name)
        guard keys == b.filter(\.isKey).map(\.name), !keys.isEmpty else {
            result.isComparable = false
            return result
        }
        let common = a.filter { column in
            !column.isKey && b.contains { $0.name == column.name && $0.type == column.type }
        }
        var fields = [
            "count(*) FILTER (WHERE l.ctid IS NOT NULL AND b.ctid IS NOT NULL)",
            "count(*) FILTER (WHERE b.ctid IS NULL)", "count(*) FILTER (WHERE l.ctid IS NULL)",
        ]
        for column in common {
            let name = SQLName.quote(column.name)
            fields.append(
                "count(*) FILTER (WHERE l.ctid IS NOT NULL AND b.ctid IS NOT NULL AND l.\(name) IS DISTINCT FROM b.\(name))"
            )
            fields.append(
                column.isNumber
                    ? """
                    max(CASE WHEN l.\(name) IS DISTINCT FROM b.\(name) THEN abs(l.\(name)::float8 - b.\(name)::float8)
                        / nullif(greatest(abs(l.\(name)::float8), abs(b.\(name)::float8)), 0) END)
                    """ : "NULL::float8")
        }
        // Keys may be null, for which Postgres joins fully only by hashes of their text.
        let text = keys.map { "coalesce(quote_literal(t.\(SQLName.quote($0))::text), 'NULL')" }.joined(
            separator: " || ',' || ")
        let found = try connection.query(
            """
            SELECT \(fields.joined(separator: ", "))
            FROM (SELECT t.ctid, t.*, \(text) AS "millrace key" FROM \(live) t) l
            FULL JOIN (SELECT t.ctid, t.*, \(text) AS "millrace key" FROM \(beside) t) b USING ("millrace key")
            """)
        result.both = try found.int64(0, 0) ?? 0
        result.onlyLive = try found.int64(0, 1) ?? 0
        result.onlyRebuild = try found.int64(0, 2) ?? 0
        result.columns = try common.enumerated().map { index, column in
            let different = try found.int64(0, 3 + index * 2) ?? 0
            return TableDifference.Column(
                name: column.name, equal: result.both - different, different: different,
                largest: try found.double(0, 4 + index * 2))
        }
        return result
    }

    private mutating func columns(
        of table: String
    ) throws -> [(name: String, type: String, isNumber: Bool, isKey: Bool)] {
        let found = try connection.query(
            """
            SELECT a.attname::text, format_type(a.atttypid, NULL), t.typcategory = 'N',
                EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
                    AND a.attnum = ANY (i.indkey::int2[]))
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [.text(table)])
        return try (0..<found.rowCount).map { row in
            (
                try found.text(row, 0) ?? "", try found.text(row, 1) ?? "", try found.bool(row, 2) ?? false,
                try found.bool(row, 3) ?? false
            )
        }
    }
}
