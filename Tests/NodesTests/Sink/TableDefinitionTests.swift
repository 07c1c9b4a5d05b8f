import Dataflow
import Declaration
import Expressions
import Summaries
import SummariesTesting
import Testing

@testable import Nodes

/// Definitions of tables: the same for the same meaning, and different in words for another one.
@Suite struct TableDefinitionTests {
    private static func conditions(_ text: String) throws -> [String] {
        try Expression.parse(text, at: SourceLocation(file: "t", line: 1, column: 1)).conditions
    }

    @Test(arguments: [
        ("a == 1 && b > 2", "2 < b and 1 == a"), ("not (a == 1)", "a != 1"), ("(a == 1 and (b == 2))", "b==2 AND a==1"),
        ("name in ['x', 'y']", "name IN [\"y\", 'x', 'x']"), ("a == 1.50", "a == 1.5"),
        ("!(a is null)", "a is not null"),
        ("lower(name) == 'x'", "LOWER(name) == 'x'"), ("`a` + b > c", "c < b + a"),
        ("a == 1 or b == 2", "b == 2 || a == 1"),
        ("t > timestamp '2024-01-01'", "t > timestamp '2024-01-01T01:00:00+01:00'"),
    ])
    func spellingMakesNoDifference(_ left: String, _ right: String) throws {
        #expect(try Self.conditions(left) == Self.conditions(right))
    }

    @Test(arguments: [
        ("a == 1", "a == 2"), ("a == 1", "a == 1.0"), ("a > 1", "a >= 1"), ("a - b > 0", "b - a > 0"),
        ("a == 1", "b == 1"),
        ("a == 1 and b == 2", "a == 1 or b == 2"), ("(a or b) and c", "a or (b and c)"), ("s == 'X'", "s == 'x'"),
        ("s == 'a b'", "s == 'a  b'"), ("a / b > 1", "b / a > 1"), ("not a", "a"),
    ])
    func meaningDoes(_ left: String, _ right: String) throws {
        #expect(try Self.conditions(left) != Self.conditions(right))
    }

    @Test func unicodeFormsAreTwoTexts() throws {
        let (composed, decomposed) = try (Self.conditions("s == '\u{e9}'"), Self.conditions("s == 'e\u{301}'"))
        let before = TableDefinition(rows: [], events: composed.map { DefinitionLine("only if", $0) })
        let after = TableDefinition(rows: [], events: decomposed.map { DefinitionLine("only if", $0) })
        #expect(after.changes(since: before).count == 1)
        #expect(before.digest != after.digest)
        let both = try Self.conditions("s in ['\u{e9}', 'e\u{301}']")
        #expect(both[0].unicodeScalars.count { $0 == "," } == 1)
    }

    @Test func aDefinitionIsReadBackAsItWasWritten() throws {
        let text = #"only if: s == 'a: b\u{a}'"# + "\nwindow: 1m"
        #expect(TableDefinition(text).text == text)
        #expect(try Self.conditions("s == 'a\nb'")[0].contains("\n") == false)
    }

    @Test func changesAreNamedOneByOne() {
        let before = TableDefinition("window: 1m\nmetric n: count()\nfield x: text at x")
        let after = TableDefinition("window: 1h\nmetric n: count()\nmetric s: sum(v integer)")
        #expect(
            after.changes(since: before).map(\.text) == [
                "window was 1m, is 1h", "metric s (sum(v integer)) is new", "field x (text at x) is gone",
            ])
    }

    /// Lines about derived and looked up fields begin with a verb of their own.
    @Test func noVerbIsSaidTwice() {
        let before = TableDefinition("field x: is n * 2\nfield y: is a (text) of b")
        let after = TableDefinition("field x: is n * 3\nfield z: is sha256 of user\nfield island: text at island")
        #expect(
            after.changes(since: before).map(\.text) == [
                "field x was n * 2, is n * 3", "field z (sha256 of user) is new",
                "field island (text at island) is new",
                "field y (a (text) of b) is gone",
            ])
    }

    @Test func theTextOfTheVersionBeforeIsStillKnown() throws {
        let plan = SummaryPlan(
            node: "s", window: Tumbling(microseconds: 60_000_000), keys: SummaryRecord.keys,
            metrics: [MetricPlan(Count("n"), conditionText: "a > 1; b")])
        #expect(
            plan.previousDefinition
                == "window=60000000us; by=country:text,level:integer,paid:boolean,price:decimal(2); n=count() where a > 1; b"
        )
    }

    @Test func setsArePartOfWhatRowsMean() {
        let metrics = [MetricPlan(Count("events"))]
        let keys = Array(SummaryRecord.keys.prefix(2))
        #expect(
            SummaryPlan.ofRecords(keys: keys, metrics: metrics).previousDefinition
                == "window=60000000us; by=country:text,level:integer; events=count()")
        #expect(
            SummaryPlan.ofRecords(keys: keys, sets: [[0, 1], [0], []], metrics: metrics).previousDefinition
                == "window=60000000us; by=country:text,level:integer; sets=country,level country (); events=count()")
    }
}
