import Foundation
import Sketches
import Testing

@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLPercentilesTests {
    private static let quantiles = [0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1]

    @Test(arguments: SketchMaker.kinds)
    func readAsTheEngineReads(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 21)
        let sketches = (0..<60).map { maker.sketch(kind, sizeMax: $0 % 10 == 9 ? 2_500 : 150) }
        let script = sketches.map { sketch in
            let bytes = "'\\x\(SketchMaker.hex(SketchMaker.bytes(sketch)))'"
            let values = Self.quantiles.map {
                "millrace.percentile(\(bytes), \($0)), millrace.percentile_low(\(bytes), \($0)), "
                    + "millrace.percentile_high(\(bytes), \($0))"
            }
            return "SELECT millrace.quantile_count(\(bytes)), millrace.quantile_min(\(bytes)), "
                + "millrace.quantile_max(\(bytes)), "
                + "trim_scale(millrace.quantile_sum(\(bytes)) * 1e\(sketch.sumScale)), "
                + values.joined(separator: ", ") + ";"
        }
        let rows = try cluster.query(script.joined(separator: "\n"), in: "plain")
        try #require(rows.count == sketches.count)
        for (row, sketch) in zip(rows, sketches) {
            let fields = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            #expect(fields[0] == "\(sketch.count)")
            #expect(Double(fields[1]) == sketch.min && Double(fields[2]) == sketch.max)
            // The sum is wider than 128 bits in SQL.
            if let sum = sketch.sum { #expect(fields[3] == "\(sum)") }
            for (position, q) in Self.quantiles.enumerated() {
                let bounds = sketch.quantileBounds(q)
                #expect(Double(fields[4 + 3 * position]) == sketch.quantile(q), "q \(q)")
                #expect(Double(fields[5 + 3 * position]) == bounds?.low, "q \(q)")
                #expect(Double(fields[6 + 3 * position]) == bounds?.high, "q \(q)")
            }
        }
    }

    @Test(arguments: SketchMaker.kinds)
    func mergeToTheBytesOfTheEngine(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 22)
        var script = "CREATE TEMP TABLE parts (id int, sketch bytea);\n"
        var expected: [String] = []
        for id in 0..<25 {
            var union = ExponentialHistogram(kind: kind)
            script += "INSERT INTO parts VALUES (\(id), NULL);\n"
            for _ in 0..<Int.random(in: 1...(id % 5 == 4 ? 40 : 5), using: &maker) {
                let part = maker.sketch(kind, sizeMax: [3, 20, 400][Int.random(in: 0...2, using: &maker)])
                try union.merge(part)
                script += "INSERT INTO parts VALUES (\(id), '\\x\(SketchMaker.hex(SketchMaker.bytes(part)))');\n"
            }
            expected.append(SketchMaker.hex(SketchMaker.bytes(union)))
        }
        script += "SELECT encode(millrace.percentiles_merge(sketch), 'hex') FROM parts GROUP BY id ORDER BY id;\n"
        script += "SELECT encode(millrace.percentiles_merge(sketch ORDER BY sketch DESC), 'hex') "
        script += "FROM parts GROUP BY id ORDER BY id;\n"
        #expect(try cluster.query(script, in: "plain") == expected + expected)
    }

    @Test func parallelAggregationGivesTheSameBytes() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 23)
        var union = ExponentialHistogram(kind: .decimal(scale: 2))
        var script = "CREATE TABLE many (sketch bytea);\n"
        for _ in 0..<300 {
            let part = maker.sketch(.decimal(scale: 2), sizeMax: 80)
            try union.merge(part)
            script += "INSERT INTO many VALUES ('\\x\(SketchMaker.hex(SketchMaker.bytes(part)))');\n"
        }
        script += """
            SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
            EXPLAIN (COSTS OFF) SELECT millrace.percentiles_merge(sketch) FROM many;
            SELECT encode(millrace.percentiles_merge(sketch), 'hex') FROM many;

            """
        let lines = try cluster.query(script, in: "plain")
        #expect(lines.contains { $0.contains("Partial Aggregate") })
        #expect(lines.last == SketchMaker.hex(SketchMaker.bytes(union)))
    }

    @Test(arguments: SketchMaker.kinds)
    func damagedBytesAreRefusedWhereTheEngineRefusesThem(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 24)
        var damaged: [[UInt8]] = [
            [], [0x21], [0x22, 0], [0x23, 0], [0x23, 0x49, 0], [0x31, 0], [0x24, 0], [0x21, 0xff],
        ]
        for size in [2, 5, 30, 60, 120, 2_500] {
            let whole = SketchMaker.bytes(maker.sketch(kind, sizeMax: size))
            damaged += (0..<min(whole.count, 100)).map { Array(whole.prefix($0)) }
            for _ in 0..<150 {
                var bytes = whole
                let position = Int.random(in: 0..<bytes.count, using: &maker)
                switch Int.random(in: 0..<3, using: &maker) {
                case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &maker)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &maker), at: position)
                default: bytes.remove(at: position)
                }
                damaged.append(bytes)
            }
        }
        let script =
            Self.attempt
            + damaged.map { "SELECT pg_temp.attempt('\\x\(SketchMaker.hex($0))');" }.joined(separator: "\n")
        let rows = try cluster.query(script, in: "plain")
        try #require(rows.count == damaged.count)
        for (row, bytes) in zip(rows, damaged) {
            let expected = Self.outcomes(of: bytes)
            #expect(expected == row, "\(SketchMaker.hex(bytes))")
        }
    }

    /// What the engine makes of bytes: the 95th percentile, or the SQLSTATE of malformed bytes.
    private static func outcomes(of bytes: [UInt8]) -> String {
        for kind in SketchMaker.kinds + (0...18).map(QuantileValueKind.decimal) {
            var sketch = ExponentialHistogram(kind: kind)
            do {
                try unsafe bytes.withUnsafeBytes { try unsafe sketch.merge(encoded: $0) }
                return sketch.quantile(0.95).map { "\($0.bitPattern)" } ?? "null"
            } catch let error as SketchError where error.code == .parameterMismatch {
                continue
            } catch {
                return "22P03"
            }
        }
        return "22P03"
    }

    private static let attempt = """
        CREATE FUNCTION pg_temp.attempt(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE value double precision;
        BEGIN
            value := millrace.percentile(sketch, 0.95);
            RETURN coalesce((('x' || encode(float8send(value), 'hex'))::bit(64)::bigint::numeric
                + CASE WHEN value < 0 THEN 18446744073709551616 ELSE 0 END)::text, 'null');
        EXCEPTION WHEN invalid_binary_representation THEN
            RETURN SQLSTATE;
        END $$;

        """

    @Test func differentKindsAreRefused() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.query(
            """
            DO $$ BEGIN PERFORM millrace.percentiles_union('\\x2100', '\\x2149'); RAISE 'accepted';
            EXCEPTION WHEN datatype_mismatch THEN NULL; END $$;
            DO $$ BEGIN PERFORM millrace.percentile('\\x2100', 1.5); RAISE 'accepted';
            EXCEPTION WHEN numeric_value_out_of_range THEN NULL; END $$;
            SELECT millrace.percentile('\\x2100', 0.5) IS NULL, millrace.percentiles_merge(NULL) IS NULL;

            """, in: "plain")
        #expect(lines == ["t|t"])
    }

    /// A message names what the bytes are, and what was meant.
    @Test func messagesSayWhatToDoInstead() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.complaints(
            about: [
                "percentile('\\x118c44', 0.5)",
                "percentile('\\x30', 0.5)",
                "uniques_estimate('\\x2149')",
                "uniques_estimate('\\x214900')",
                "sum_exact('\\x118c44')",
                "percentile('\\x2100', 95)",
                "percentile('\\x2100', 99.9)",
                "percentile('\\x2100', 2)",
                "percentile('\\x2100', -1)",
            ], in: "plain")
        #expect(
            lines == [
                "percentile sketch: this is a sketch of uniques(); use uniques_estimate()",
                "percentile sketch: this is the exact sum of doubles; use sum_exact()",
                "distinct-count sketch: this is a sketch of percentiles(); use percentile()",
                "distinct-count sketch: this is a sketch of percentiles(); use percentile()",
                "sum of doubles: this is a sketch of uniques(); use uniques_estimate()",
                "percentile: quantile out of range, found 95, expected 0 to 1; the 95th percentile is 0.95",
                "percentile: quantile out of range, found 99.9, expected 0 to 1; the 99.9th percentile is 0.999",
                "percentile: quantile out of range, found 2, expected 0 to 1; the 2nd percentile is 0.02",
                "percentile: quantile out of range, found -1, expected 0 to 1",
            ])
    }

    /// What nine places do not reach has no sum, instead of a wrong one.
    @Test func sumsOfDoublesThatNinePlacesDoNotReachAreNull() throws {
        let cluster = try #require(ScratchCluster.current)
        var lines: [String] = []
        for values in [[4e-10, 4e-10], [1e30, 1], [0.25, 0.5], [1, 2, 1e30], [0, 0]] {
            var sketch = ExponentialHistogram(kind: .double)
            for value in values { sketch.insert(value) }
            let bytes = SketchMaker.hex(SketchMaker.bytes(sketch))
            lines += try cluster.query("SELECT millrace.quantile_sum('\\x\(bytes)');\n", in: "plain")
            #expect((sketch.sum == nil) == (lines.last == ""))
        }
        #expect(lines == ["", "", "0.750000000", "", "0.000000000"])
    }

    @Test func anotherSearchPathChangesNothing() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.query(
            """
            CREATE SCHEMA hostile;
            CREATE FUNCTION hostile.get_byte(bytea, int) RETURNS int LANGUAGE sql AS 'SELECT 1/0';
            CREATE FUNCTION hostile.length(bytea) RETURNS int LANGUAGE sql AS 'SELECT 1/0';
            CREATE FUNCTION hostile.wrong(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0';
            CREATE OPERATOR hostile.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.wrong);
            SET search_path = hostile, pg_catalog;
            SELECT millrace.percentile(millrace.percentiles_union('\\x220002', '\\x220004'), 1),
                millrace.uniques_estimate(millrace.uniques_union('\\x118c44', '\\x138c44005080'));

            """, in: "plain")
        #expect(lines.count == 1 && lines[0].hasPrefix("2|1.0"))
    }
}
