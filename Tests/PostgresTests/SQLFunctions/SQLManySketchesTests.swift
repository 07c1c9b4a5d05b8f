import Foundation
import Sketches
import Testing

/// Some ten thousand random sketches of each sort, read and united in SQL as the engine does it, to the last bit.
@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLManySketchesTests {
    private static let quantiles = [0.5, 0, 0.01, 0.25, 0.75, 0.95, 0.99, 1]

    @Test(arguments: SketchMaker.kinds)
    func percentilesOfManySketchesInOnePass(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 51)
        var table = SketchTable("many")
        let sketches = (0..<2_600).map { maker.sketch(kind, sizeMax: [2, 40, 200, 3_000][$0 % 40 == 39 ? 3 : $0 % 3]) }
        for (id, sketch) in sketches.enumerated() { table.add(id, SketchMaker.bytes(sketch)) }
        let list = Self.quantiles.map { "\($0)" }.joined(separator: ",")
        let rows = try cluster.query(
            table.statements + """
                SELECT array_to_string(millrace.percentiles(sketch, '{\(list)}'), '|', '-'),
                    coalesce(millrace.percentile_low(sketch, 0.7)::text, '-'),
                    coalesce(millrace.percentile_high(sketch, 0.7)::text, '-'),
                    coalesce(millrace.percentile(sketch, 0.7)::text, '-'), millrace.quantile_count(sketch)
                FROM many ORDER BY id;

                """, in: "plain")
        try #require(rows.count == sketches.count)
        for (row, sketch) in zip(rows, sketches) {
            let bounds = sketch.quantileBounds(0.7)
            let expected =
                Self.quantiles.map(sketch.quantile) + [bounds?.low, bounds?.high, sketch.quantile(0.7)]
                + [Double(sketch.count)]
            let found = row.split(separator: "|").map { Double($0) }
            #expect(found == expected, "seed 51: \(SketchMaker.hex(SketchMaker.bytes(sketch)))")
        }
    }

    @Test(arguments: SketchMaker.kinds)
    func unionsOfManyPercentileSketches(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 52)
        var table = SketchTable("parts")
        var expected: [String] = []
        for id in 0..<500 {
            var union = ExponentialHistogram(kind: kind)
            table.add(id, nil)
            for _ in 0..<Int.random(in: 1...(id % 50 == 49 ? 60 : 9), using: &maker) {
                let sizes = [3, 35, 300, 2_500]
                let part = maker.sketch(kind, sizeMax: sizes[id % 20 == 19 ? 3 : Int.random(in: 0...2, using: &maker)])
                try union.merge(part)
                table.add(id, SketchMaker.bytes(part))
            }
            expected.append(SketchMaker.hex(SketchMaker.bytes(union)))
        }
        let rows = try cluster.query(
            table.statements + """
                SELECT encode(millrace.percentiles_merge(sketch), 'hex') FROM parts GROUP BY id ORDER BY id;

                """, in: "plain")
        try #require(rows.count == expected.count)
        for (id, (row, bytes)) in zip(rows, expected).enumerated() { #expect(row == bytes, "seed 52, group \(id)") }
    }

    @Test(arguments: SketchMaker.parameters)
    func manyDistinctCounts(parameters: HyperLogLogParameters) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 53)
        var table = SketchTable("parts")
        var expected: [String] = []
        for id in 0..<600 {
            var union = HyperLogLog(parameters: parameters)
            table.add(id, nil)
            for _ in 0..<Int.random(in: 1...(id % 60 == 59 ? 80 : 9), using: &maker) {
                let sizes = [4, 12, 100, 900, 12_000]
                let size = sizes[
                    id % 20 == 19 ? Int.random(in: 0...4, using: &maker) : Int.random(in: 0...2, using: &maker)]
                let part = maker.distinct(parameters, sizeMax: size)
                try union.merge(part)
                table.add(id, SketchMaker.bytes(part))
            }
            expected.append("\(SketchMaker.hex(SketchMaker.bytes(union)))|\(union.estimate().bitPattern)")
        }
        let rows = try cluster.query(
            table.statements + """
                SELECT encode(s, 'hex'),
                    ('x' || encode(float8send(millrace.uniques_estimate(s)), 'hex'))::bit(64)::bigint
                FROM (SELECT id, millrace.uniques_merge(sketch) AS s FROM parts GROUP BY id) AS united ORDER BY id;

                """, in: "plain")
        try #require(rows.count == expected.count)
        for (id, (row, line)) in zip(rows, expected).enumerated() { #expect(row == line, "seed 53, group \(id)") }
    }

    /// Estimating and uniting refuse what the engine refuses, and nothing else.
    @Test(arguments: SketchMaker.parameters)
    func damagedDistinctCountsAreRefusedWhereTheEngineRefusesThem(parameters: HyperLogLogParameters) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 54)
        var table = SketchTable("damaged")
        let all = (0..<1_500).map { round in
            let size = [8, 30, 200, 9_000][round % 50 == 49 ? 3 : round % 3]
            return maker.damaged(SketchMaker.bytes(maker.distinct(parameters, sizeMax: size)))
        }
        for (id, bytes) in all.enumerated() { table.add(id, bytes) }
        let rows = try cluster.query(
            Self.attempts + table.statements + "SELECT pg_temp.estimate(sketch), pg_temp.unite(sketch) FROM damaged "
                + "ORDER BY id;\n", in: "plain")
        try #require(rows.count == all.count)
        for (row, bytes) in zip(rows, all) {
            // The engine reads EXPLICIT without a hash, which nothing writes, as EMPTY.
            let isEmptyList = bytes.count == 3 && bytes[0] == 0x12
            let sketch = isEmptyList ? nil : try? unsafe bytes.withUnsafeBytes { try unsafe HyperLogLog(encoded: $0) }
            let expected = sketch.map { "\($0.estimate().bitPattern)|\(SketchMaker.hex(SketchMaker.bytes($0)))" }
            #expect(row == expected ?? "refused|refused", "seed 54: \(SketchMaker.hex(bytes))")
        }
    }

    private static let attempts = """
        CREATE FUNCTION pg_temp.estimate(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            RETURN ('x' || encode(float8send(millrace.uniques_estimate(sketch)), 'hex'))::bit(64)::bigint;
        EXCEPTION WHEN invalid_binary_representation THEN
            RETURN 'refused';
        END $$;
        CREATE FUNCTION pg_temp.unite(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            RETURN encode(millrace.uniques_union(sketch, sketch), 'hex');
        EXCEPTION WHEN invalid_binary_representation THEN
            RETURN 'refused';
        END $$;

        """

    /// What a union refuses is what `percentile` refuses; accepted bytes doubled are what the engine makes of them.
    @Test(arguments: SketchMaker.kinds)
    func damagedPercentileSketchesAreRefusedByUnionsToo(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 55)
        var table = SketchTable("damaged")
        let other = SketchMaker.bytes(maker.sketch(kind, sizeMax: 0))
        let all = (0..<2_000).map { _ in maker.damaged(SketchMaker.bytes(maker.sketch(kind, sizeMax: 150))) }
        for (id, bytes) in all.enumerated() { table.add(id, bytes) }
        let rows = try cluster.query(
            """
            CREATE FUNCTION pg_temp.unite(sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN encode(millrace.percentiles_merge(s), 'hex')
                FROM unnest(ARRAY['\\x\(SketchMaker.hex(other))', sketch, sketch]) AS s;
            EXCEPTION WHEN invalid_binary_representation OR datatype_mismatch THEN
                RETURN 'refused';
            END $$;

            """ + table.statements + "SELECT pg_temp.unite(sketch) FROM damaged ORDER BY id;\n", in: "plain")
        try #require(rows.count == all.count)
        for (row, bytes) in zip(rows, all) {
            var twice = ExponentialHistogram(kind: kind)
            let isRead =
                (try? unsafe bytes.withUnsafeBytes { bytes -> Void in
                    for _ in 0..<2 { try unsafe twice.merge(encoded: bytes) }
                }) != nil
            let expected = isRead ? SketchMaker.hex(SketchMaker.bytes(twice)) : "refused"
            #expect(row == expected, "seed 55: \(SketchMaker.hex(bytes))")
        }
    }
}
