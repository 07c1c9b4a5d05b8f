import Foundation
import Sketches
import Testing

/// Shares, bars and common values against the values themselves.
@Suite(.enabled(if: ScratchCluster.binaries != nil, "needs Postgres server programs"), .scratchCluster)
struct SQLChartsTests {
    /// Values of several shapes, all doubles of their kind.
    private static func values(_ kind: QuantileValueKind, _ round: Int, _ maker: inout SketchMaker) -> [Double] {
        let count = Int.random(in: 1...[2, 20, 300][round % 3], using: &maker)
        return (0..<count).map { _ in
            let value: Double =
                switch round % 5 {
                case 0: Double.random(in: -50...50, using: &maker)
                case 1: Double(Int.random(in: 0...5, using: &maker))
                case 2: -exp(Double.random(in: 0...12, using: &maker))
                default: exp(Double.random(in: 0...12, using: &maker))
                }
            return kind == .integer ? value.rounded() : value
        }
    }

    private static func sketch(_ kind: QuantileValueKind, of values: [Double]) -> ExponentialHistogram {
        var sketch = ExponentialHistogram(kind: kind)
        for value in values {
            if kind == .integer { sketch.insert(scaled: Int64(value)) } else { sketch.insert(value) }
        }
        return sketch
    }

    @Test(arguments: [QuantileValueKind.integer, .double])
    func theShareBelowLiesBetweenItsBounds(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 71)
        let cases = (0..<300).map { round in
            let values = Self.values(kind, round, &maker)
            return (values, round % 4 == 0 ? values[0] : Double.random(in: -60...20_000, using: &maker))
        }
        let script = cases.map { values, x in
            let bytes = "'\\x\(SketchMaker.hex(SketchMaker.bytes(Self.sketch(kind, of: values))))'"
            return "SELECT millrace.share_below_low(\(bytes), \(x)), millrace.share_below(\(bytes), \(x)), "
                + "millrace.share_below_high(\(bytes), \(x));\n"
        }
        let rows = try cluster.query(script.joined(), in: "plain")
        try #require(rows.count == cases.count)
        for (row, (values, x)) in zip(rows, cases) {
            let found = row.split(separator: "|").compactMap { Double($0) }
            try #require(found.count == 3)
            let share = Double(values.count { $0 < x }) / Double(values.count)
            #expect(found[0] <= share && share <= found[2], "x \(x), seed 71, \(values)")
            #expect(found[0] <= found[1] && found[1] <= found[2], "x \(x), seed 71, \(values)")
            if Self.sketch(kind, of: values).isExact { #expect(found == [share, share, share]) }
        }
    }

    @Test(arguments: [QuantileValueKind.integer, .double])
    func barsHoldTheValuesBetweenTheirEnds(kind: QuantileValueKind) throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 72)
        let cases = (0..<200).map { round in (Self.values(kind, round, &maker), [3, 10, 40, 10_000][round % 4]) }
        let script = cases.map { values, bars in
            let bytes = SketchMaker.hex(SketchMaker.bytes(Self.sketch(kind, of: values)))
            return "SELECT string_agg(concat_ws('|', low, high, count), ' ' ORDER BY place) "
                + "FROM millrace.distribution('\\x\(bytes)', \(bars)) WITH ORDINALITY AS d(low, high, count, place);\n"
        }
        let rows = try cluster.query(script.joined(), in: "plain")
        try #require(rows.count == cases.count)
        for (row, (values, barsMax)) in zip(rows, cases) {
            let bars = row.split(separator: " ").map { $0.split(separator: "|").compactMap { Double($0) } }
            #expect(bars.count <= barsMax && bars.allSatisfy { $0.count == 3 }, "seed 72")
            #expect(bars.first?[0] == values.min() && bars.last?[1] == values.max(), "seed 72, \(values)")
            for (index, bar) in bars.enumerated() {
                let count = values.count {
                    Self.holds($0, bar[0], bar[1], isFirst: index == 0, isLast: index == bars.count - 1)
                }
                #expect(count == Int(bar[2]), "bar \(index) of \(row), seed 72, \(values)")
                if index > 0 { #expect(bar[0] >= bars[index - 1][0], "seed 72") }
            }
        }
    }

    /// Whether a bar holds a value: the end away from zero belongs to it, and the outer ends of all.
    private static func holds(_ value: Double, _ low: Double, _ high: Double, isFirst: Bool, isLast: Bool) -> Bool {
        if low == 0 && high == 0 { return value == 0 }
        if isFirst && value == low || isLast && value == high { return true }
        return high > 0 ? value > low && value <= high : value >= low && value < high
    }

    /// Two standard errors or more: nineteen of twenty at least, and nulls only where nothing is known.
    @Test func commonValuesLieBetweenTheirBounds() throws {
        let cluster = try #require(ScratchCluster.current)
        var maker = SketchMaker(seed: 73)
        var script = ""
        var truths: [Double] = []
        for round in 0..<400 {
            let size = [4, 60, 2_000, 9_000][round % 4]
            let shared = Int.random(in: 0...size, using: &maker)
            var sketches = [HyperLogLog(parameters: .standard), HyperLogLog(parameters: .standard)]
            for index in 0..<size {
                let hash = maker.next()
                sketches[0].insert(hash)
                sketches[1].insert(index < shared ? hash : maker.next())
            }
            truths.append(Double(shared))
            let bytes = sketches.map { "'\\x\(SketchMaker.hex(SketchMaker.bytes($0)))'" }.joined(separator: ", ")
            script += "SELECT coalesce(estimate::text, '-'), low, high FROM millrace.uniques_both(\(bytes));\n"
        }
        let rows = try cluster.query(script, in: "plain")
        try #require(rows.count == truths.count)
        var inside = 0
        for (round, (row, truth)) in zip(rows, truths).enumerated() {
            let fields = row.split(separator: "|").map { Double($0) }
            let (low, high) = (try #require(fields[1]), try #require(fields[2]))
            if low <= truth && truth <= high { inside += 1 }
            if round % 4 == 0 { #expect(fields == [truth, truth, truth], "exact sketches, seed 73") }
            if let estimate = fields[0] {
                #expect(low <= estimate && estimate <= high && high - estimate <= estimate, "seed 73: \(row)")
            } else {
                #expect(low == 0, "seed 73: \(row)")
            }
        }
        #expect(inside >= 380, "of 400, seed 73")
    }

    @Test func wrongArgumentsAreNamed() throws {
        let cluster = try #require(ScratchCluster.current)
        let lines = try cluster.complaints(
            about: [
                "share_below('\\x118c44', 1)",
                "share_below('\\x2149', 'NaN')",
                "distribution('\\x118c44', 10)",
                "distribution('\\x2149', 2)",
                "uniques_both('\\x2149', '\\x118c44')",
                "percentiles('\\x118c44', '{0.5}')",
                "percentiles('\\x220002', '{0.5,95}')",
                "percentiles_union('\\x220002', '\\x128c440000000000000001')",
            ], in: "plain")
        #expect(
            lines == [
                "percentile sketch: this is a sketch of uniques(); use uniques_estimate()",
                "share_below: found NaN, expected a number",
                "percentile sketch: this is a sketch of uniques(); use uniques_estimate()",
                "distribution: number of bars out of range, found 2, expected 3 to 10000",
                "distinct-count sketch: this is a sketch of percentiles(); use percentile()",
                "percentile sketch: this is a sketch of uniques(); use uniques_estimate()",
                "percentile: quantile out of range, found 95, expected 0 to 1; the 95th percentile is 0.95",
                "percentile sketch: this is a sketch of uniques(); use uniques_estimate()",
            ])
        let answers = try cluster.query(
            """
            SELECT millrace.percentiles('\\x220002', '{NULL,0.5}'), millrace.percentiles('\\x220002', '{}'),
                millrace.percentiles('\\x2149', '{0.5}'), millrace.share_below('\\x2149', 1) IS NULL,
                (SELECT count(*) FROM millrace.distribution('\\x2149', 5));

            """, in: "plain")
        #expect(answers == ["{NULL,1}|{}|{NULL}|t|0"])
    }
}
