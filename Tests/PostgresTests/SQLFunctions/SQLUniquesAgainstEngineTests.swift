import Sketches
import Testing

@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLUniquesAgainstEngineTests {
    @Test(arguments: ScratchCluster.databases)
    func unionsHaveTheBytesAndEstimatesTheBitsOfTheEngine(database: String) throws {
        let cluster = try #require(ScratchCluster.current)
        var random = SketchMaker(seed: 31)
        var script = "CREATE TEMP TABLE parts (id int, sketch bytea);\n"
        var expected: [String] = []
        for id in 0..<60 {
            let parameters = [HyperLogLogParameters.standard, .compact, .precise][id % 3]
            var union = HyperLogLog(parameters: parameters)
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                var part = HyperLogLog(parameters: parameters)
                let size = [0, 3, 20, 300, 6_000].randomElement(using: &random) ?? 0
                for _ in 0..<Int.random(in: 0...size, using: &random) {
                    // Shifted hashes reach the high register values that random ones never do.
                    part.insert(random.next() << UInt64.random(in: 0...31, using: &random))
                }
                try union.merge(part)
                script += "INSERT INTO parts VALUES (\(id), '\\x\(Self.hex(part))');\n"
            }
            expected.append("\(Self.hex(union))|\(union.estimate().bitPattern)")
        }
        script += """
            SELECT encode(s, 'hex'), ('x' || encode(float8send(millrace.uniques_estimate(s)), 'hex'))::bit(64)::bigint
            FROM (SELECT id, millrace.uniques_merge(sketch) AS s FROM parts GROUP BY id) AS united ORDER BY id;

            """
        let rows = try cluster.query(script, in: database)
        try #require(rows.count == expected.count)
        for (row, line) in zip(rows, expected) { #expect(row == line, "seed 31") }
    }

    private static func hex(_ sketch: HyperLogLog) -> String {
        var bytes: [UInt8] = []
        sketch.encode(into: &bytes)
        return SketchMaker.hex(bytes)
    }
}
