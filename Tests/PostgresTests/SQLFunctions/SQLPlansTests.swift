import Sketches
import Testing

/// Results do not depend on how Postgres runs a query: in parallel, in a window frame, through a view of an earlier
/// version, or in a transaction that an upgrade overtakes.
@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLPlansTests {
    private static let kind = QuantileValueKind.decimal(scale: 2)

    /// Parts in a table of their own, one null among them.
    private static func parts(_ count: Int, _ maker: inout SketchMaker, temporary: Bool = true) -> (
        script: String, uniques: [HyperLogLog], percentiles: [ExponentialHistogram]
    ) {
        let uniques = (0..<count).map { _ in maker.distinct(.standard, sizeMax: 400) }
        let percentiles = (0..<count).map { _ in maker.sketch(kind, sizeMax: 80) }
        var tables = (SketchTable("users", isTemporary: temporary), SketchTable("amounts", isTemporary: temporary))
        for id in 0..<count {
            tables.0.add(id, SketchMaker.bytes(uniques[id]))
            tables.1.add(id, SketchMaker.bytes(percentiles[id]))
        }
        return (tables.0.statements + tables.1.statements, uniques, percentiles)
    }

    private static func union(_ parts: ArraySlice<HyperLogLog>) throws -> String {
        var union = HyperLogLog(parameters: .standard)
        for part in parts { try union.merge(part) }
        return SketchMaker.hex(SketchMaker.bytes(union))
    }

    private static func union(_ parts: ArraySlice<ExponentialHistogram>) throws -> String {
        var union = ExponentialHistogram(kind: kind)
        for part in parts { try union.merge(part) }
        return SketchMaker.hex(SketchMaker.bytes(union))
    }

    @Test func parallelPlansGiveTheSameBytes() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 61)
        let parts = Self.parts(400, &maker, temporary: false)
        let lines = try cluster.query(
            "CREATE SCHEMA parallel_plans; SET search_path = parallel_plans;\n" + parts.script + """
                SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
                SET parallel_leader_participation = off;
                EXPLAIN (COSTS OFF) SELECT millrace.uniques_merge(sketch) FROM users;
                SELECT encode(millrace.uniques_merge(sketch), 'hex') FROM users;
                SELECT encode(millrace.percentiles_merge(sketch), 'hex') FROM amounts;
                SELECT count(*) FILTER (WHERE millrace.percentile(sketch, 0.5) IS NOT NULL
                    AND millrace.share_below(sketch, 5) >= 0) FROM amounts;
                DROP SCHEMA parallel_plans CASCADE;

                """, in: "plain")
        #expect(lines.contains { $0.contains("Partial Aggregate") })
        let filled = parts.percentiles.count { $0.count > 0 }
        #expect(
            lines.suffix(3) == [
                try Self.union(parts.uniques[...]), try Self.union(parts.percentiles[...]), "\(filled)",
            ])
    }

    /// Every function runs in a worker when it is told to, where subtransactions and the like are refused.
    @Test func everyFunctionRunsInAParallelWorker() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 62)
        let parts = Self.parts(60, &maker, temporary: false)
        let calls = """
            SELECT md5(string_agg(concat_ws(' ', u.id, millrace.uniques_estimate(u.sketch),
                millrace.uniques_estimate(u.sketch, 7), millrace.uniques_low(u.sketch), millrace.uniques_high(u.sketch),
                millrace.uniques_union(u.sketch, u.sketch), millrace.uniques_both(u.sketch, u.sketch),
                millrace.percentile(a.sketch, 0.5), millrace.percentile_low(a.sketch, 0.5),
                millrace.percentile_high(a.sketch, 0.5), millrace.percentiles(a.sketch, '{0.1,0.9}'),
                millrace.share_below(a.sketch, 1), millrace.share_below_low(a.sketch, 1),
                millrace.share_below_high(a.sketch, 1), millrace.percentiles_union(a.sketch, a.sketch),
                millrace.quantile_count(a.sketch), millrace.quantile_min(a.sketch), millrace.quantile_max(a.sketch),
                millrace.quantile_sum(a.sketch), millrace.top_total(t.sketch), millrace.top_json(t.sketch, 3),
                millrace.top_union(t.sketch, t.sketch), millrace.sum_exact(t.sum), millrace.sum_union(t.sum, t.sum)),
                ';' ORDER BY u.id))
            FROM users AS u JOIN amounts AS a ON a.id = u.id JOIN words AS t ON t.id = u.id
            """
        let bars = """
            SELECT count(*), sum(d.count), sum(w.count)
            FROM amounts AS a JOIN words AS t USING (id), millrace.distribution(a.sketch, 9) AS d, millrace.top(t.sketch, 2) AS w
            """
        // Of a text beyond ASCII, whose bytes are looked at more closely.
        let words = """
            CREATE TABLE words AS
            SELECT id, decode('41000102c3a90100', 'hex') AS sketch, decode('30', 'hex') AS sum FROM amounts;

            """
        let lines = try cluster.query(
            "CREATE SCHEMA workers; SET search_path = workers;\n" + parts.script + words + """
                \(calls);
                \(bars);
                SELECT set_config(name, 'on', false) IS NULL FROM pg_settings
                WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
                \(calls);
                \(bars);
                EXPLAIN (COSTS OFF) \(calls);
                EXPLAIN (COSTS OFF) \(bars);
                DROP SCHEMA workers CASCADE;
                SELECT 'public: ' || proname FROM pg_proc
                WHERE pronamespace = 'millrace'::regnamespace AND prokind = 'f' AND left(proname, 1) <> '_';

                """, in: "plain")
        try #require(lines.count > 5)
        #expect(Array(lines[0...1]) == Array(lines[3...4]))
        #expect(lines[5...].count { $0.hasPrefix("Gather") } == 2, "\(lines[5...])")
        let names = lines.filter { $0.hasPrefix("public: ") }.map { $0.dropFirst("public: ".count) }
        #expect(names.count > 20)
        for name in names where name != "uniques_estimate2" {
            #expect((calls + bars).contains("millrace.\(name)("), "\(name) runs in no worker here")
        }
    }

    /// Whoever reads may have set what backslashes mean.
    @Test func sessionsWithOldStringsReadTheSame() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 64)
        let parts = Self.parts(60, &maker, temporary: false)
        let words = "CREATE TABLE words AS SELECT id, decode('41000102c3a90100', 'hex') AS sketch FROM amounts;\n"
        let calls = """
            SELECT md5(concat_ws(' ', millrace.uniques_merge(u.sketch), millrace.percentiles_merge(a.sketch),
                millrace.top_merge(t.sketch), millrace.top_json(millrace.top_merge(t.sketch), 3),
                millrace.sum_merge(decode('30', 'hex')), sum(millrace.percentile(a.sketch, 0.5)),
                sum(millrace.uniques_estimate(u.sketch)), sum(millrace.top_total(t.sketch))))
            FROM users AS u JOIN amounts AS a USING (id) JOIN words AS t USING (id);

            """
        let setUp = "CREATE SCHEMA old_strings; SET search_path = old_strings;\n" + parts.script + words
        // In a session of its own: what is compiled once stays so.
        let new = try cluster.query(setUp + calls, in: "plain")
        let old = try cluster.query(
            "SET search_path = old_strings; SET standard_conforming_strings = off;\n" + calls
                + "DROP SCHEMA old_strings CASCADE;\n", in: "plain")
        #expect(new.last?.count == 32)
        #expect(old == [new.last])
    }

    /// Texts of sketches are looked at by a pattern, where Postgres's own look would be an error to catch.
    @Test func textsAreWhatPostgresTakesForUTF8() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.query(
            """
            CREATE FUNCTION pg_temp.is_taken(bytes bytea) RETURNS boolean LANGUAGE plpgsql AS $f$
            BEGIN
                PERFORM convert_from(bytes, 'UTF8');
                RETURN true;
            EXCEPTION WHEN OTHERS THEN RETURN false;
            END $f$;
            CREATE FUNCTION pg_temp.is_text(bytes bytea) RETURNS boolean LANGUAGE plpgsql AS $f$
            BEGIN
                PERFORM millrace._top_check(ARRAY[bytes], 0);
                RETURN true;
            EXCEPTION WHEN OTHERS THEN RETURN false;
            END $f$;
            CREATE TEMP TABLE edges AS SELECT unnest('{00,01,7f,80,8f,90,9f,a0,bf,c0,c1,c2,df,e0,e1,ec,ed,ee,ef,f0,f1,f3,f4,f5,ff,5c}'::text[]) AS b;
            CREATE TEMP TABLE texts AS
            SELECT decode(a.b, 'hex') AS bytes FROM edges a
            UNION ALL SELECT decode(a.b || b.b, 'hex') FROM edges a, edges b
            UNION ALL SELECT decode(a.b || b.b || c.b, 'hex') FROM edges a, edges b, edges c
            UNION ALL SELECT decode(a.b || b.b || c.b || d.b, 'hex') FROM edges a, edges b, edges c, edges d
                WHERE a.b >= 'f0' AND c.b IN ('7f', '80', 'bf', 'c0') AND d.b IN ('7f', '80', 'bf', 'c0');
            SELECT count(*) > 15000, count(*) FILTER (WHERE pg_temp.is_taken(bytes)) > 100 FROM texts;
            SELECT encode(bytes, 'hex') FROM texts WHERE pg_temp.is_taken(bytes) <> pg_temp.is_text(bytes) ORDER BY 1 LIMIT 5;

            """, in: "plain")
        #expect(lines == ["t|t"], "what one takes and the other does not")
    }

    @Test func windowFramesGiveTheUnionsOfTheirRows() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 63)
        let parts = Self.parts(60, &maker)
        let frame = "OVER (ORDER BY id RANGE BETWEEN 6 PRECEDING AND CURRENT ROW)"
        let grown = "OVER (ORDER BY id)"
        let lines = try cluster.query(
            parts.script + """
                SELECT encode(millrace.uniques_merge(u.sketch) \(frame), 'hex'),
                    encode(millrace.percentiles_merge(a.sketch) \(frame), 'hex'),
                    encode(millrace.uniques_merge(u.sketch) \(grown), 'hex'),
                    encode(millrace.percentiles_merge(a.sketch) \(grown), 'hex')
                FROM users AS u JOIN amounts AS a USING (id) ORDER BY id;

                """, in: "plain")
        try #require(lines.count == 60)
        for (id, line) in lines.enumerated() {
            let (first, all) = (max(0, id - 6)...id, 0...id)
            let expected = [
                try Self.union(parts.uniques[first]), try Self.union(parts.percentiles[first]),
                try Self.union(parts.uniques[all]), try Self.union(parts.percentiles[all]),
            ]
            #expect(line == expected.joined(separator: "|"), "row \(id), seed 63")
        }
    }

    /// What users call may be indexed, run by workers, and not be led astray by a search path.
    @Test func functionsAreDeclaredForWhatTheyDo() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.query(
            """
            SELECT proname FROM pg_proc WHERE pronamespace = 'millrace'::regnamespace
                AND (provolatile <> 'i' OR proparallel <> 's');
            SELECT proname FROM pg_proc WHERE pronamespace = 'millrace'::regnamespace AND prokind = 'f'
                AND left(proname, 1) <> '_' AND NOT coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}';
            SELECT 'not strict: ' || proname || pronargs FROM pg_proc
            WHERE pronamespace = 'millrace'::regnamespace AND prokind = 'f' AND left(proname, 1) <> '_'
                AND NOT proisstrict;
            SELECT 'public: ' || count(*) FROM pg_proc
            WHERE pronamespace = 'millrace'::regnamespace AND left(proname, 1) <> '_';

            """, in: "plain")
        #expect(lines == ["not strict: uniques_estimate2", "public: 29"])
    }

    /// Aggregates of an earlier version, a view over them, and a transaction that is open while they are replaced.
    @Test func anUpgradeKeepsViewsAndOpenTransactionsWorking() throws {
        let cluster = try #require(ScratchCluster.current)
        _ = try cluster.query("CREATE DATABASE upgraded", in: "postgres")
        let reader = """
            EXECUTE figures;
            SELECT encode(users, 'hex'), encode(amounts, 'hex') FROM merged;

            """
        let lines = try cluster.query(
            Self.earlierVersion + """
                PREPARE figures AS SELECT encode(millrace.uniques_merge(sketch), 'hex') FROM stored;
                BEGIN;
                \(reader)
                COMMIT;
                BEGIN;
                \(reader)
                \(cluster.installation)
                \(reader)
                COMMIT;
                \(reader)
                """, in: "upgraded")
        let sketches = "128c440000000000000001"
        #expect(lines == (0..<4).flatMap { _ in [sketches, "\(sketches)|220002"] })
    }

    /// The aggregates as the first versions had them: other transition functions, states and strictness.
    private static let earlierVersion = """
        CREATE SCHEMA millrace;
        CREATE FUNCTION millrace._uniques_merge(sketches bytea[]) RETURNS bytea
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT sketches[1]';
        CREATE FUNCTION millrace._percentiles_merge(sketches bytea[]) RETURNS bytea
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT sketches[1]';
        CREATE FUNCTION millrace._collect(waiting bytea[], sketch bytea) RETURNS bytea[]
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT waiting || sketch';
        CREATE AGGREGATE millrace.uniques_merge(bytea) (
            SFUNC = millrace._collect, STYPE = bytea[], INITCOND = '{}', FINALFUNC = millrace._uniques_merge,
            COMBINEFUNC = pg_catalog.array_cat, PARALLEL = SAFE);
        CREATE AGGREGATE millrace.percentiles_merge(bytea) (
            SFUNC = millrace._collect, STYPE = bytea[], INITCOND = '{}', FINALFUNC = millrace._percentiles_merge,
            COMBINEFUNC = pg_catalog.array_cat, PARALLEL = SAFE);
        CREATE TABLE stored (sketch bytea, amount bytea);
        INSERT INTO stored VALUES ('\\x128c440000000000000001', '\\x220002');
        CREATE VIEW merged AS
            SELECT millrace.uniques_merge(sketch) AS users, millrace.percentiles_merge(amount) AS amounts FROM stored;

        """
}
