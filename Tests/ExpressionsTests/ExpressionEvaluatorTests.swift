import Declaration
import Testing

@testable import Dataflow
@testable import Expressions

@Suite struct ExpressionEvaluatorTests {
    /// Rows 0…5: revenue 12.30, 0.00, null, -5.00, 0.50, 9999999.99.
    private let batch = SampleBatch(
        [
            ("event", .text), ("revenue", .decimal(scale: 2)), ("level", .integer), ("ratio", .double),
            ("paying", .boolean), ("ts", .timestamp), ("tax", .decimal(scale: 4)),
        ],
        rows: [
            [
                .text("purchase"), .integer(1230), .integer(5), .double(0.5), .boolean(true), .integer(0),
                .integer(123_000),
            ],
            [.text("login"), .integer(0), .integer(-1), .double(-2), .boolean(false), .integer(1), .integer(1)],
            [nil, nil, nil, nil, nil, nil, nil],
            [.text("Purchase"), .integer(-500), .integer(.max), .double(1e300), .boolean(true), .integer(-1), nil],
            [.text(""), .integer(50), .integer(.min), nil, nil, .integer(1_767_225_600_000_000), .integer(5000)],
            [.text("größe"), .integer(999_999_999), .integer(0), .double(0.1), .boolean(false), nil, .integer(0)],
        ])

    @Test(arguments: [
        ("event == 'purchase'", [0]),
        ("event != 'purchase'", [1, 3, 4, 5]),
        ("'login' == event", [1]),
        ("lower(event) == 'purchase'", [0, 3]),
        ("upper(event) == 'PURCHASE' and paying", [0, 3]),
        ("upper(event) == 'GRößE'", [5]),
        ("length(event) == 5", [1, 5]),
        ("starts_with(event, 'p') || ends_with(event, 'in')", [0, 1]),
        ("contains(event, 'urcha')", [0, 3]),
        ("contains(event, '')", [0, 1, 3, 4, 5]),
        ("substring(event, 3, 2) == 'öß'", [5]),
        ("substring(event, 6) == 'ase'", [0, 3]),
        ("substring(event, 0, 2) == 'p'", [0]),
        ("event in ['login', 'purchase', 'x']", [0, 1]),
        ("event not in ('login', 'purchase')", [3, 4, 5]),
        ("event < 'login'", [3, 4, 5]),
        ("event is null", [2]),
        ("event is not null && revenue is not null", [0, 1, 3, 4, 5]),
        ("coalesce(event, 'none') == 'none'", [2]),
        ("coalesce(lower(event), event, 'x') == 'purchase'", [0, 3]),
    ])
    func textConditionsKeepTheRightRows(condition: String, rows: [Int]) throws {
        #expect(try batch.select(condition) == rows, "\(condition)")
    }

    @Test(arguments: [
        ("revenue > 0", [0, 4, 5]),
        ("revenue == 0.5", [4]),
        ("revenue == 0.500", [4]),
        ("revenue == 0.505", []),
        ("revenue != 0.505", [0, 1, 3, 4, 5]),
        ("revenue < 0.505", [1, 3, 4]),
        ("revenue >= 0.495", [0, 4, 5]),
        ("revenue > -5.001", [0, 1, 3, 4, 5]),
        ("revenue < -4.999", [3]),
        ("revenue < 9223372036854775807", [0, 1, 3, 4, 5]),
        ("revenue > 1e2", [5]),
        ("revenue == tax", [0, 4]),
        ("tax < revenue", [5]),
        ("revenue == level - 4.5", []),
        ("revenue in [12.3, 0.50, 0.001]", [0, 4]),
        ("level + 1 > 0", [0, 5]),
        ("level - 1 < 0", [1, 5]),
        ("-level == 1", [1]),
        ("abs(level) >= 0", [0, 1, 3, 5]),
        ("abs(revenue) == 5", [3]),
        ("level / 2 == 2", [0]),
        ("level % 2 == 1", [0, 3]),
        ("level / 0 is null", [0, 1, 2, 3, 4, 5]),
        ("level / -1 is null", [2, 4]),
        ("level % -1 == 0", [0, 1, 3, 4, 5]),
        ("level == 9223372036854775807", [3]),
        ("level == -9223372036854775808", [4]),
        ("level in [5, -1, 9223372036854775807]", [0, 1, 3]),
        ("ratio * 1e300 is null", [2, 3, 4]),
        ("ratio == 0.1", [5]),
        ("ratio > level", [3, 5]),
        ("revenue / 2 == 6.15", [0]),
        ("revenue * 2 == 24.6", [0]),
        ("revenue % 5 == 2.3", [0]),
        ("2 * 3 + 4 == 10 && 1 / 0 is null", [0, 1, 2, 3, 4, 5]),
        ("coalesce(ratio, level, 1.5) == 1.5", [2]),
    ])
    func numberConditionsKeepTheRightRows(condition: String, rows: [Int]) throws {
        #expect(try batch.select(condition) == rows, "\(condition)")
    }

    @Test(arguments: [
        ("paying", [0, 3]),
        ("!paying", [1, 5]),
        ("not paying or level is null", [1, 2, 5]),
        ("paying == (revenue > 0)", [0, 1]),
        ("paying != true", [1, 5]),
        ("(paying or true) is null", []),
        ("(paying and false) is null", []),
        ("(paying and true) is null", [2, 4]),
        ("not (paying and revenue > 0)", [1, 3, 5]),
        ("not (paying or revenue > 0)", [1]),
        ("coalesce(paying, revenue > 0, false)", [0, 3, 4]),
        ("null", []),
        ("null or paying", [0, 3]),
        ("true", [0, 1, 2, 3, 4, 5]),
        ("ts >= timestamp '2026-01-01T00:00:00Z'", [4]),
        ("ts < timestamp '1970-01-01T01:00:00+01:00'", [3]),
        ("ts in [timestamp '1970-01-01']", [0]),
    ])
    func logicHasThreeValues(condition: String, rows: [Int]) throws {
        #expect(try batch.select(condition) == rows, "\(condition)")
    }

    @Test func aSelectionIsNarrowedAndStaysAscending() throws {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let typed = try Expression.parse("revenue > 0 || event == 'login'", at: start).check(against: batch.schema)
        let evaluator = typed.makeEvaluator()
        #expect(batch.select(evaluator, among: [1, 2, 3, 5]) == [1, 5])
        #expect(batch.select(evaluator, among: []) == [])
        #expect(batch.select(evaluator) == [0, 1, 4, 5])
        #expect(evaluator.bytesHeld > 0)
    }

    @Test func scratchMemoryStopsGrowing() throws {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let text =
            "lower(event) == 'login' || (level + 1) * 2 > 3 && coalesce(event, 'x') in ['a', 'b'] || paying == true"
        let evaluator = try Expression.parse(text, at: start).check(against: batch.schema).makeEvaluator()
        _ = batch.select(evaluator)
        let bytes = evaluator.bytesHeld
        for _ in 0..<20 { _ = batch.select(evaluator) }
        #expect(evaluator.bytesHeld == bytes)
    }
}
