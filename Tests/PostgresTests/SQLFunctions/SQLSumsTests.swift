import Sketches
import Testing

@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLSumsTests {
    private static func hex(_ values: [Double]) -> String {
        var sum = DoubleSum()
        for value in values { sum.add(value) }
        var bytes: [UInt8] = []
        sum.encode(into: &bytes)
        return SketchMaker.hex(bytes)
    }

    private static func value(_ random: inout SketchMaker) -> Double {
        if Bool.random(using: &random) { return Double(Int64.random(in: -9_999...99_999, using: &random)) / 100 }
        let value = Double(bitPattern: random.next())
        return value.isFinite ? value : 0
    }

    /// PostgreSQL's numeric is the oracle: whole numbers and halves have few digits, so that text says all of them.
    @Test func theExactValueIsRight() throws {
        let cluster = try #require(ScratchCluster.current)
        let cases: [([Double], String)] = [
            ([0], "0"), ([1, 2], "3"), ([-0.5, 0.25], "-0.25"), ([1e300, 1, -1e300], "1"),
            ([0.1], "0.1000000000000000055511151231257827021181583404541015625"),
            ([0x1p-40], "0.0000000000009094947017729282379150390625"), ([0x1p70, 1], "1180591620717411303425"),
        ]
        let script = cases.map { "SELECT millrace.sum_exact('\\x\(Self.hex($0.0))');" }.joined(separator: "\n") + "\n"
        #expect(try cluster.query(script, in: "plain") == cases.map(\.1))
    }

    @Test func mergeToTheBytesOfTheEngineInAnyOrderAndRoundToItsDouble() throws {
        let cluster = try #require(ScratchCluster.current)
        var random = SketchMaker(seed: 41)
        var script = "CREATE TEMP TABLE parts (id int, state bytea);\n"
        var expected: [String] = []
        for id in 0..<80 {
            var all: [Double] = []
            script += "INSERT INTO parts VALUES (\(id), NULL);\n"
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let values = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.value(&random) }
                all += values
                script += "INSERT INTO parts VALUES (\(id), '\\x\(Self.hex(values))');\n"
            }
            expected.append(Self.hex(all))
        }
        script += """
            SELECT encode(millrace.sum_merge(state), 'hex') FROM parts GROUP BY id ORDER BY id;
            SELECT encode(millrace.sum_merge(state ORDER BY state DESC), 'hex') FROM parts GROUP BY id ORDER BY id;
            SELECT millrace.sum_merge(NULL) IS NULL, millrace.sum_union('\\x30', '\\x310001') = '\\x310001'::bytea;

            """
        #expect(try cluster.query(script, in: "plain") == expected + expected + ["t|t"])
        let values = (0..<50).map { _ in (0..<3).map { _ in Double(Int64.random(in: 1...99_999, using: &random)) / 100 }
        }
        let rounded = try cluster.query(
            values.map {
                "SELECT ('x' || encode(float8send(millrace.sum_exact('\\x\(Self.hex($0))')::float8), 'hex'))::bit(64)::bigint;\n"
            }.joined(), in: "plain")
        let nearest = values.map { values in
            var sum = DoubleSum()
            for value in values { sum.add(value) }
            return "\(sum.nearest?.bitPattern ?? 0)"
        }
        #expect(rounded == nearest)
    }

    /// Engine and SQL refuse the same bytes.
    @Test func damagedBytesAreRefusedWhereTheEngineRefusesThem() throws {
        let cluster = try #require(ScratchCluster.current)
        var random = SketchMaker(seed: 42)
        var damaged: [[UInt8]] = [
            [], [0x31], [0x33], [0x30, 0], [0x40], [0x31, 0xfc, 0x10, 1], [0x31, 0xfe, 0x10, 1],
        ]
        for _ in 0..<600 {
            var sum = DoubleSum()
            for _ in 0..<Int.random(in: 1...3, using: &random) { sum.add(Self.value(&random)) }
            var bytes: [UInt8] = []
            sum.encode(into: &bytes)
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
            default: bytes.remove(at: position)
            }
            damaged.append(bytes)
        }
        let script =
            """
            CREATE FUNCTION pg_temp.attempt(state bytea) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                RETURN encode(millrace._sum_encode(millrace.sum_exact(state)), 'hex');
            EXCEPTION WHEN invalid_binary_representation THEN
                RETURN 'refused';
            END $$;

            """ + damaged.map { "SELECT pg_temp.attempt('\\x\(SketchMaker.hex($0))');" }.joined(separator: "\n") + "\n"
        let lines = try cluster.query(script, in: "plain")
        try #require(lines.count == damaged.count)
        for (line, bytes) in zip(lines, damaged) {
            var sum = DoubleSum()
            let isRead = (try? unsafe bytes.withUnsafeBytes { try unsafe sum.merge(encoded: $0) }) != nil
            #expect(line == (isRead ? SketchMaker.hex(bytes) : "refused"), "\(SketchMaker.hex(bytes))")
        }
    }
}
