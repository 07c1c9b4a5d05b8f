import Postgres
import Testing

/// Every tool shows what a table and its columns hold.
@Suite struct TableCommentsTests {
    private static let metrics =
        "{ n: count(), big: { metric: count(), where: v > 1 }, ids: uniques(id), v: \"percentiles(v, 95)\" }"

    private static func comment(_ column: String?, _ stand: IdentityStand) throws -> String? {
        let number = column.map {
            "(SELECT attnum FROM pg_attribute WHERE attrelid = 'kpi'::regclass AND attname = '\($0)')"
        }
        return try stand.database.query(
            number.map { "SELECT col_description('kpi'::regclass, \($0))" } ?? "SELECT obj_description('kpi'::regclass)"
        ).text(0, 0)
    }

    @Test func everyColumnSaysWhatItHolds() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("comments_all")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            let bare = try stand.database.query(
                """
                SELECT attname::text FROM pg_attribute WHERE attrelid = 'kpi'::regclass AND attnum > 0
                    AND col_description(attrelid, attnum) NOT LIKE '% (Millrace: topology t, node out)' IS NOT FALSE
                """)
            #expect(bare.rowCount == 0)
            #expect(try Self.comment(nil, stand)?.hasPrefix("summary kpi by id, in windows of 1m;") == true)
            let expected = [
                "window_start": "first moment of a window of 1m", "id": "field id: text at id,",
                "n": "number of records (",
                "big": "number of records; only records where ",
                "ids": "distinct values of id, relative standard error 1.6 %,",
                "ids_sketch": "sketch of the distinct values of id;", "v_p95": "percentile 95 of v, in its unit,",
            ]
            for (column, text) in expected {
                let found = try Self.comment(column, stand)
                #expect(found?.hasPrefix(text) == true, "\(column): \(found ?? "none")")
            }
        }
    }

    /// A comment of somebody else's stays, one of ours follows the file, and one that is right is not written again.
    @Test func commentsAreWrittenWhenTheyDiffer() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("comments_differ")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            try stand.sql(
                "COMMENT ON COLUMN kpi.n IS 'ask Ada'",
                "COMMENT ON COLUMN kpi.ids IS 'old words (Millrace: topology t, node out)'",
                "COMMENT ON COLUMN kpi.v_p95 IS NULL")
            let versions =
                "SELECT string_agg(xmin::text, ' ' ORDER BY objsubid) FROM pg_description "
                + "WHERE objoid = 'kpi'::regclass AND objsubid NOT IN (SELECT attnum FROM pg_attribute "
                + "WHERE attrelid = 'kpi'::regclass AND attname IN ('ids', 'v_p95'))"
            let before = try stand.database.query(versions).text(0, 0)
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            #expect(try before != nil && stand.database.query(versions).text(0, 0) == before)
            #expect(try Self.comment("n", stand) == "ask Ada")
            #expect(try Self.comment("ids", stand)?.hasPrefix("distinct values of id") == true)
            #expect(try Self.comment("v_p95", stand)?.hasPrefix("percentile 95 of v") == true)
        }
    }

    /// Whoever may write a table need not be its owner.
    @Test func aRoleThatDoesNotOwnTheTableRunsWithout() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("comments_rights")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            try stand.sql(
                "CREATE ROLE comments_rights LOGIN", "COMMENT ON TABLE kpi IS NULL", "DROP VIEW kpi_bounds",
                "GRANT ALL ON ALL TABLES IN SCHEMA millrace TO comments_rights",
                "GRANT USAGE ON SCHEMA millrace TO comments_rights",
                "GRANT SELECT, INSERT, UPDATE ON kpi TO comments_rights")
            try stand.append(1)
            _ = try stand.runs(
                stand.topology(metrics: Self.metrics),
                url: stand.database.url.replacing("postgres@", with: "comments_rights@"))
            #expect(try Self.comment(nil, stand) == nil)
            #expect(try stand.count() == 4)
        }
    }
}
