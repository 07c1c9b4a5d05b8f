import Postgres

/// The columns that an existing table has.
struct TableColumns {
    /// One column.
    struct Column {
        var name: String
        /// Its type without length or precision.
        var type: String
        /// The type with them, when it has any.
        var narrowed: String?
        /// Whether an insert must give a value.
        var isMandatory: Bool
        /// `GENERATED …`, when the database makes its values itself.
        var generated: String?
        /// What a generated column is made of, as the database writes it.
        var expression: String?
        /// Its number in the table, which no other column ever has.
        var number: Int64
    }

    let columns: [Column]
    let primaryKey: [String]
    /// Whether the primary key is checked at once; otherwise ON CONFLICT cannot use it.
    let isKeyImmediate: Bool
    /// The highest number a column of the table has or had.
    let highest: Int64

    subscript(name: String) -> Column? { columns.first { $0.name == name } }

    init(columns: [Column], primaryKey: [String], isKeyImmediate: Bool = true, highest: Int64 = 0) {
        self.columns = columns
        self.primaryKey = primaryKey
        self.isKeyImmediate = isKeyImmediate
        self.highest = highest
    }

    init(of place: TablePlace, _ connection: inout Connection) throws {
        let oid = Parameter.int64(place.oid ?? 0)
        let found = try connection.query(
            """
            SELECT a.attname::text, format_type(a.atttypid, NULL),
                CASE WHEN a.atttypmod <> -1 THEN format_type(a.atttypid, a.atttypmod) END,
                a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = ''
                    AND (SELECT t.typdefault IS NULL FROM pg_type t WHERE t.oid = a.atttypid),
                CASE WHEN a.attgenerated <> '' THEN 'GENERATED ALWAYS AS (...)'
                    WHEN a.attidentity = 'a' THEN 'GENERATED ALWAYS AS IDENTITY' END,
                a.attnum::bigint,
                CASE WHEN a.attgenerated <> '' THEN (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
                    WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END
            FROM pg_attribute a WHERE a.attrelid::bigint = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [oid])
        columns = try (0..<found.rowCount).map { row in
            Column(
                name: try found.text(row, 0) ?? "", type: Self.shown(try found.text(row, 1) ?? ""),
                narrowed: try found.text(row, 2), isMandatory: try found.bool(row, 3) ?? false,
                generated: try found.text(row, 4), expression: try found.text(row, 6),
                number: try found.int64(row, 5) ?? 0)
        }
        let key = try connection.query(
            """
            SELECT a.attname::text, i.indimmediate FROM pg_index i
            CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid::bigint = $1 AND i.indisprimary ORDER BY k.position
            """, [oid])
        primaryKey = try (0..<key.rowCount).map { try key.text($0, 0) ?? "" }
        isKeyImmediate = try key.rowCount == 0 || key.bool(0, 1) ?? true
        highest =
            try connection.query(
                "SELECT max(attnum)::bigint FROM pg_attribute WHERE attrelid::bigint = $1", [oid]
            ).int64(0, 0) ?? 0
    }

    private static func shown(_ type: String) -> String {
        type == "timestamp with time zone" ? "timestamptz" : type
    }
}
