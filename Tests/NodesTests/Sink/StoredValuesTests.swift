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

    /// The columns of one metric over records of these ratios, as text, after a row that a query makes.
    private static func row(
        _ function: MetricPlan.Function, _ type: ColumnType = .double, column: Int = 6, ratios: [Double],
        stored: String?
    ) throws -> [String?] {
        let metric = MetricPlan(name: "m", function: function, column: function == .count ? nil : column, type: type)
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
        let writer = metric.makeWriter()
        let names = writer.plainColumns + writer.stateColumns
        var columns = names.map { ArrayBuilder($0.kind.element) }
        let found = try stored.map { try connection.query("SELECT \($0)") }
        try writer.append(
            delta.sets[0].states[0], group: 0, stored: found.map { StoredRow(result: $0, row: 0, column: 0) },
            to: &columns, plain: 0, state: writer.plainColumns.count)
        let list = names.enumerated().map { "(u.c\($0.offset))::text" }.joined(separator: ", ")
        let arrays = names.enumerated().map { "$\($0.offset + 1)::\($0.element.kind.rawValue)[]" }
        let result = try connection.query(
            "SELECT \(list) FROM unnest(\(arrays.joined(separator: ", "))) AS u(\(names.indices.map { "c\($0)" }.joined(separator: ", ")))",
            columns.map { .array($0) })
        return try names.indices.map { try result.text(0, $0) }
    }

    private static func problem(
        _ function: MetricPlan.Function, _ type: ColumnType = .double, column: Int = 6, ratios: [Double] = [1],
        stored: String
    ) -> StoredValueError? {
        #expect(throws: StoredValueError.self, "\(stored)") {
            try row(function, type, column: column, ratios: ratios, stored: stored)
        }
    }

    @Test func aSumOfDoublesIsTheNearestDoubleWithTheExactSumBesideIt() throws {
        #expect(
            try Self.row(.sum, ratios: [0.1, 0.2], stored: nil) == ["0.30000000000000004", "\\x316d26666666666667"])
        #expect(try Self.row(.sum, ratios: [3e19, 5e19], stored: nil)[0] == "80000000000000000000")
        #expect(try Self.row(.sum, ratios: [4e-10, 4e-10], stored: nil)[0] == "0.0000000008")
        #expect(try Self.row(.sum, ratios: [-0.0], stored: nil) == ["0", "\\x30"])
        // Beyond the largest double, and back.
        let over = try Self.row(.sum, ratios: [1e308, 1e308], stored: nil)
        #expect(over[0] == "2" + String(repeating: "0", count: 308))
        let state = try #require(over[1])
        #expect(
            try Self.row(.sum, ratios: [-1e308], stored: "'\(state)'::bytea, 2::numeric")[0] == "1"
                + String(repeating: "0", count: 308))
        #expect(try Self.row(.avg, ratios: [1e21, 1e21], stored: nil)[0] == "1e+21")
    }

    /// A row of a version that kept no exact sum goes on from what it shows; the same for values of uniques.
    @Test func rowsOfTheVersionBeforeGoOn() throws {
        #expect(try Self.row(.sum, ratios: [0.5], stored: "NULL::bytea, 12.250000000::numeric")[0] == "12.75")
        #expect(try Self.row(.sum, ratios: [0.5], stored: "NULL::bytea, NULL::numeric")[0] == "0.5")
        #expect(
            try Self.row(.avg, ratios: [1], stored: "NULL::bytea, 5.000000000::numeric, 2::int8").prefix(3)
                == ["2", "6", "3"])
        let uniques = try Self.row(
            .uniques(.standard), .text, column: 4, ratios: [1], stored: "'\\x128c440000000000000001'::bytea, NULL::int8"
        )
        #expect(uniques[0] == "2" && uniques[2] == nil)
        let first = try Self.row(
            .uniques(.standard), .text, column: 4, ratios: [1], stored: "'\\x118c44'::bytea, NULL::int8")
        #expect(first[0] == "1" && first[2] == "1")
    }

    @Test func aStoredSketchOfAllOnesIsCappedByItsValues() throws {
        let full = "'\\x148c44" + String(repeating: "ff", count: 2_560) + "'::bytea"
        let row = try Self.row(.uniques(.standard), .text, column: 4, ratios: [1, 2], stored: "\(full), 4096::int8")
        #expect(row[0] == "4098" && row[2] == "4098")
    }

    @Test func negativeZeroIsZeroWhicheverCameFirst() throws {
        for (function, stored) in [(MetricPlan.Function.min, "0"), (.max, "'-0'"), (.min, "'-0'"), (.max, "0")] {
            #expect(try Self.row(function, ratios: [-0.0, 0], stored: "\(stored)::float8") == ["0"])
        }
    }

    @Test func theEndOfARangeIsAnErrorThatNamesTheColumn() {
        let maximum = "9223372036854775807"
        #expect(Self.problem(.count, stored: "\(maximum)::int8")?.column == "m")
        #expect(Self.problem(.count, stored: "-1::int8")?.column == "m")
        let largest = "170141183460469231731687303715884105727"
        #expect(Self.problem(.sum, .integer, column: 2, stored: "\(largest)::numeric")?.column == "m")
        #expect(Self.problem(.sum, .integer, column: 2, stored: "0.5::numeric")?.column == "m")
        #expect(Self.problem(.sum, .integer, column: 2, stored: "'NaN'::numeric")?.column == "m")
        #expect(Self.problem(.avg, .integer, column: 2, stored: "1::numeric, \(maximum)::int8")?.column == "m_count")
        #expect(Self.problem(.avg, stored: "'\\x30'::bytea, 0::numeric, \(maximum)::int8")?.column == "m_count")
        #expect(Self.problem(.sum, stored: "'\\x31'::bytea, 0::numeric")?.column == "m_exact")
        #expect(Self.problem(.avg, stored: "'\\x31fc1001'::bytea, 0::numeric, 1::int8")?.column == "m_exact")
        #expect(Self.problem(.min, stored: "'NaN'::float8")?.column == "m")
        let uniques = MetricPlan.Function.uniques(.standard)
        #expect(Self.problem(uniques, .text, column: 4, stored: "'\\x118c'::bytea, 0::int8")?.column == "m_sketch")
        #expect(
            Self.problem(uniques, .text, column: 4, stored: "'\\x128c440000000000000001'::bytea, \(maximum)::int8")?
                .column
                == "m_values")
        let median = MetricPlan.Function.percentiles([.init(percent: 50, text: "50")])
        #expect(Self.problem(median, stored: "'\\x118c44'::bytea")?.column == "m_sketch")
        #expect(
            Self.problem(median, stored: "'\\x118c44'::bytea")?.problem.contains("this is a sketch of uniques()")
                == true)
    }
}
