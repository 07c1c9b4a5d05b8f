import Postgres
import Testing

/// The view beside a table: value, low and high of what is approximate.
@Suite struct BoundsViewTests {
    private static let metrics = "{ n: count(), ids: uniques(id), v: \"percentiles(v, 50, 95)\", total: sum(v) }"

    private static func columns(_ stand: IdentityStand) throws -> String? {
        try stand.database.query(
            """
            SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = to_regclass('kpi_bounds') AND attnum > 0
            """
        ).text(0, 0)
    }

    @Test func boundsEncloseTheValueAndNoCountExceedsItsRow() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_values", events: 0)
            try stand.append(
                lines: (0..<3_000).map {
                    #"{"id":"u\#($0 * 7919 % 2500)","v":\#($0 % 400),"ts":"2024-02-01T00:0\#($0 % 9):00Z"}"#
                })
            _ = try stand.runs(stand.topology(by: "[]", metrics: Self.metrics))
            #expect(
                try Self.columns(stand)
                    == "window_start n ids ids_low ids_high v_p50 v_p50_low v_p50_high v_p95 v_p95_low v_p95_high total"
            )
            let wrong =
                "SELECT count(*) FROM kpi_bounds WHERE NOT (ids_low <= ids AND ids <= ids_high AND ids_high <= n "
                + "AND v_p50_low <= v_p50 AND v_p50 <= v_p50_high AND v_p95_low <= v_p95 AND v_p95 <= v_p95_high)"
            #expect(try stand.database.number(wrong) == 0)
            let rows =
                "SELECT count(*) FROM kpi_bounds b JOIN kpi t USING (window_start) "
                + "WHERE b.ids = t.ids AND b.total = t.total AND b.ids_low < b.ids AND b.v_p95_low < b.v_p95_high"
            #expect(try stand.database.number(rows) == 9)
            // As rows of an earlier version, whose values nobody has counted.
            try stand.sql("UPDATE kpi SET ids = n + 5, ids_values = NULL")
            #expect(try stand.database.number("SELECT count(*) FROM kpi_bounds WHERE ids = n AND ids_high = n") == 9)
            // Conditions reach the primary key.
            let plan = try stand.database.query(
                "EXPLAIN SELECT ids FROM kpi_bounds WHERE window_start = '2024-02-01T00:03:00Z'")
            let text = try (0..<plan.rowCount).map { try plan.text($0, 0) ?? "" }.joined(separator: "\n")
            #expect(text.contains("kpi") && !text.contains("Function Scan"), "\(text)")
        }
    }

    /// Whatever its owner does to the table, the view is in nobody's way; the next start mends it.
    @Test func theTableMayBeDroppedAndChanged() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_drops")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            try stand.sql("ALTER TABLE kpi DROP COLUMN v_p50")
            _ = try stand.runs(stand.topology(metrics: Self.metrics.replacing("50, ", with: "")))
            #expect(
                try Self.columns(stand) == "window_start id n ids ids_low ids_high v_p95 v_p95_low v_p95_high total")
            let version = "SELECT xmin::text FROM pg_class WHERE oid = to_regclass('kpi_bounds')"
            let before = try stand.database.query(version).text(0, 0)
            _ = try stand.runs(stand.topology(metrics: Self.metrics.replacing("50, ", with: "")))
            #expect(try stand.database.query(version).text(0, 0) == before)
            try stand.sql("DROP TABLE kpi", "DELETE FROM millrace.partitions")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            #expect(try stand.database.number("SELECT sum(n)::bigint FROM kpi_bounds WHERE v_p50_low <= 1") == 3)
            try stand.sql("DROP VIEW kpi_bounds")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            #expect(try Self.columns(stand) != nil)
        }
    }

    /// What others have made is not touched.
    @Test func othersKeepWhatTheyHave() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_others")
            try stand.sql("CREATE TABLE kpi_bounds (mine integer)")
            let first = try stand.runs(stand.topology(metrics: Self.metrics))
            #expect(first.errors.contains("is somebody else's"), "\(first.errors)")
            #expect(try Self.columns(stand) == "mine")
            try stand.sql("DROP TABLE kpi_bounds")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            try stand.sql("CREATE VIEW report AS SELECT n FROM kpi_bounds", "ALTER TABLE kpi DROP COLUMN v_p50")
            let second = try stand.runs(stand.topology(metrics: Self.metrics.replacing("50, ", with: "")))
            #expect(second.errors.contains("other objects depend on it"), "\(second.errors)")
            #expect(try stand.count() == 3)
        }
    }

    /// Before: a start waited for whoever read the view, again and again, and held up all others meanwhile.
    @Test func whoReadsTheViewHoldsNothingUp() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_readers")
            _ = try stand.runs(stand.topology(metrics: Self.metrics))
            let before = try Self.columns(stand)
            try stand.sql("ALTER TABLE kpi DROP COLUMN v_p50")
            var reader = try Connection.connect(
                ConnectionSettings(url: stand.database.url), deadline: .now + .seconds(20))
            // As who reads it does.
            try reader.execute("BEGIN; LOCK TABLE kpi_bounds IN ACCESS SHARE MODE")
            try stand.append(2)
            let fewer = stand.topology(metrics: Self.metrics.replacing("50, ", with: ""))
            let run = try stand.runs(fewer)
            #expect(run.errors.contains("somebody is reading it"), "\(run.errors)")
            #expect(try stand.count() == 5)
            #expect(try Self.columns(stand) == before)
            try reader.execute("COMMIT")
            #expect(try !stand.runs(fewer).errors.contains("somebody is reading it"))
            #expect(try Self.columns(stand)?.contains("v_p50") == false)
        }
    }

    @Test func computedColumnsAreThereToo() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_computed")
            let topology = stand.topology(by: "[]", metrics: "{ n: count(), ids: uniques(id) }").replacing(
                "metrics:", with: "columns: { share: ids / n, ids_low: n / n }, metrics:")
            let run = try stand.runs(topology)
            #expect(try Self.columns(stand) == "window_start n ids ids_high share ids_low")
            #expect(run.errors.contains("lacks ids_low"), "\(run.errors)")
            let rows = "SELECT count(*) FROM kpi_bounds b JOIN kpi t USING (window_start) WHERE b.share = t.share"
            #expect(try stand.database.number(rows) > 0)
        }
    }

    @Test func exactTablesHaveNone() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("bounds_exact")
            _ = try stand.runs(stand.topology())
            #expect(try Self.columns(stand) == nil)
        }
    }
}
