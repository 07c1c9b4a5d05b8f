import DataflowTesting
import LocalServices
import Platform
import Postgres
import Sketches
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// Rows as they may stand in a table, merged with a delta: the right total, or an error that names the column.
@Suite struct StoredValuesTests {
    private static let cluster = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        try PrivatePostgres.start(PrivatePostgres.Options())
    }

    /// A whole number for a ratio; 0 where there is none.
    private static func whole(_ ratio: Double) -> Int64 { Int64(exactly: ratio.rounded(.towardZero)) ?? 0 }

    /// The columns of one metric over records of these ratios, as text, after a row that a query makes of the columns that
    /// are merged.
    private static func row(_ call: String, ratios: [Double], stored: String?) throws -> [String?] {
        let metric = try SummaryRecord.metric("m", call)
        let delta = SummaryDelta.empty(
            SummaryPlan.ofRecords(keys: [], hasWindow: false, metrics: [metric]), MemoryAccountant(budget: 1 << 40))
        var random = SeededRandom(seed: 1)
        let records = ratios.map { ratio in
            var record = SummaryRecord.random(1, &random)[0]
            (record.ratio, record.level, record.price) = (ratio, Self.whole(ratio), Self.whole(ratio * 100))
            return record
        }
        delta.add(records[...], serial: 1)
        var connection = try Connection.connect(
            ConnectionSettings(url: cluster.get().url(user: "postgres")), deadline: .now + .seconds(20))
        let columns = metric.columns.map { TableColumn($0) }
        let before = StoredRow(metric.columns, first: 0)
        before.open(try stored.map { try connection.query("SELECT \($0)") })
        let result = metric.metric.makeResult()
        try result.load(0, of: delta.sets[0].states[0], merging: stored.map { _ in before })
        var rows = RowBuilders(columns)
        rows.append(result, at: Array(columns.indices), over: stored.map { _ in before })
        let list = columns.indices.map { "(u.c\($0))::text" }.joined(separator: ", ")
        let arrays = columns.enumerated().map { "$\($0.offset + 1)::\($0.element.kind.rawValue)[]" }
        let names = columns.indices.map { "c\($0)" }.joined(separator: ", ")
        let found = try connection.query(
            "SELECT \(list) FROM unnest(\(arrays.joined(separator: ", "))) AS u(\(names))", rows.parameters)
        return try columns.indices.map { try found.text(0, $0) }
    }

    private static func problem(_ call: String, ratios: [Double] = [1], stored: String) -> StoredValueError? {
        #expect(throws: StoredValueError.self, "\(stored)") { try row(call, ratios: ratios, stored: stored) }
    }

    @Test func aSumOfDoublesIsTheNearestDoubleWithTheExactSumBesideIt() throws {
        #expect(
            try Self.row("sum(ratio)", ratios: [0.1, 0.2], stored: nil) == [
                "0.30000000000000004", "\\x316d26666666666667",
            ])
        #expect(try Self.row("sum(ratio)", ratios: [3e19, 5e19], stored: nil)[0] == "80000000000000000000")
        #expect(try Self.row("sum(ratio)", ratios: [4e-10, 4e-10], stored: nil)[0] == "0.0000000008")
        #expect(try Self.row("sum(ratio)", ratios: [-0.0], stored: nil) == ["0", "\\x30"])
        // Beyond the largest double, and back.
        let over = try Self.row("sum(ratio)", ratios: [1e308, 1e308], stored: nil)
        #expect(over[0] == "2" + String(repeating: "0", count: 308))
        let state = try #require(over[1])
        #expect(
            try Self.row("sum(ratio)", ratios: [-1e308], stored: "2::numeric, '\(state)'::bytea")[0] == "1"
                + String(repeating: "0", count: 308))
        #expect(try Self.row("avg(ratio)", ratios: [1e21, 1e21], stored: nil)[0] == "1e+21")
    }

    /// A row of a version that kept no exact sum goes on from what it shows; the same for values of uniques.
    @Test func rowsOfTheVersionBeforeGoOn() throws {
        #expect(try Self.row("sum(ratio)", ratios: [0.5], stored: "12.250000000::numeric, NULL::bytea")[0] == "12.75")
        #expect(try Self.row("sum(ratio)", ratios: [0.5], stored: "NULL::numeric, NULL::bytea")[0] == "0.5")
        #expect(
            try Self.row("avg(ratio)", ratios: [1], stored: "5.000000000::numeric, 2::int8, NULL::bytea").prefix(3)
                == ["2", "6", "3"])
        let uniques = try Self.row(
            "uniques(user)", ratios: [1], stored: "'\\x128c440000000000000001'::bytea, NULL::int8"
        )
        #expect(uniques[0] == "2" && uniques[2] == nil)
        let first = try Self.row(
            "uniques(user)", ratios: [1], stored: "'\\x118c44'::bytea, NULL::int8")
        #expect(first[0] == "1" && first[2] == "1")
    }

    @Test func aStoredSketchOfAllOnesIsCappedByItsValues() throws {
        let full = "'\\x148c44" + String(repeating: "ff", count: 2_560) + "'::bytea"
        let row = try Self.row("uniques(user)", ratios: [1, 2], stored: "\(full), 4096::int8")
        #expect(row[0] == "4098" && row[2] == "4098")
    }

    @Test func negativeZeroIsZeroWhicheverCameFirst() throws {
        for (call, stored) in [
            ("min(ratio)", "0"), ("max(ratio)", "'-0'"), ("min(ratio)", "'-0'"), ("max(ratio)", "0"),
        ] {
            #expect(try Self.row(call, ratios: [-0.0, 0], stored: "\(stored)::float8") == ["0"])
        }
    }

    @Test func theEndOfARangeIsAnErrorThatNamesTheColumn() {
        let maximum = "9223372036854775807"
        #expect(Self.problem("count()", stored: "\(maximum)::int8")?.column == "m")
        #expect(Self.problem("count()", stored: "-1::int8")?.column == "m")
        let largest = "170141183460469231731687303715884105727"
        #expect(Self.problem("sum(level)", stored: "\(largest)::numeric")?.column == "m")
        #expect(Self.problem("sum(level)", stored: "0.5::numeric")?.column == "m")
        #expect(Self.problem("sum(level)", stored: "'NaN'::numeric")?.column == "m")
        #expect(Self.problem("avg(level)", stored: "1::numeric, \(maximum)::int8")?.column == "m_count")
        #expect(Self.problem("avg(ratio)", stored: "0::numeric, \(maximum)::int8, '\\x30'::bytea")?.column == "m_count")
        #expect(Self.problem("sum(ratio)", stored: "0::numeric, '\\x31'::bytea")?.column == "m_exact")
        #expect(Self.problem("avg(ratio)", stored: "0::numeric, 1::int8, '\\x31fc1001'::bytea")?.column == "m_exact")
        #expect(Self.problem("min(ratio)", stored: "'NaN'::float8")?.column == "m")
        #expect(Self.problem("uniques(user)", stored: "'\\x118c'::bytea, 0::int8")?.column == "m_sketch")
        #expect(
            Self.problem("uniques(user)", stored: "'\\x128c440000000000000001'::bytea, \(maximum)::int8")?
                .column
                == "m_values")
        let median = "percentiles(ratio, 50)"
        #expect(Self.problem(median, stored: "'\\x118c44'::bytea")?.column == "m_sketch")
        #expect(
            Self.problem(median, stored: "'\\x118c44'::bytea")?.problem.contains("this is a sketch of uniques()")
                == true)
    }
}
