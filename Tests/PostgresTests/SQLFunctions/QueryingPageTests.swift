import Foundation
import Sketches
import Testing

/// Every example of docs/querying.md, over a small table.
@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct QueryingPageTests {
    private static let table = """
        CREATE TEMP TABLE kpi_minute (
            window_start timestamptz, event text, events bigint, users_sketch bytea, users_values bigint,
            duration_sketch bytea, cost_exact bytea,
            fans_sketch bytea);

        """

    private static func examples() throws -> [String] {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: package.appendingPathComponent("docs/querying.md"), encoding: .utf8)
        return page.components(separatedBy: "```sql\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    @Test func everyExampleAnswers() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 81)
        var script = Self.table
        for minute in 0..<180 {
            let users = maker.distinct(.standard, sizeMax: 60)
            var durations = ExponentialHistogram(kind: .integer)
            for _ in 0..<50 { durations.insert(scaled: Int64.random(in: 100...2_000, using: &maker)) }
            var cost = DoubleSum()
            cost.add(0.1)
            var bytes: [UInt8] = []
            cost.encode(into: &bytes)
            script +=
                "INSERT INTO kpi_minute VALUES (timestamptz '2026-03-01 00:00Z' + \(minute / 2) * interval '1 min', "
            script +=
                "'\(minute % 2 == 0 ? "login" : "purchase")', 60, '\\x\(SketchMaker.hex(SketchMaker.bytes(users)))', "
            script +=
                "60, '\\x\(SketchMaker.hex(SketchMaker.bytes(durations)))', '\\x\(SketchMaker.hex(bytes))', '\\x\(SketchMaker.hex(try Self.fans(&maker)))');\n"
        }
        let examples = try Self.examples()
        #expect(examples.count == 9)
        for example in examples {
            let rows = try cluster.query("SET TimeZone = 'UTC';\n" + script + example, in: "plain")
            #expect(
                !rows.isEmpty && rows.allSatisfy { !$0.contains("||") && !$0.hasSuffix("|") }, "\(example): \(rows)")
        }
    }

    private static func fans(_ random: inout SketchMaker) throws -> [UInt8] {
        var sketch = FrequentItems(kind: .text)
        for _ in 0..<50 {
            let name = Array("u\(Int.random(in: 0..<9, using: &random))".utf8)
            try unsafe name.withUnsafeBytes { try unsafe sketch.add($0, count: 1, level: 3) }
        }
        var bytes: [UInt8] = []
        sketch.encode(into: &bytes)
        return bytes
    }
}
