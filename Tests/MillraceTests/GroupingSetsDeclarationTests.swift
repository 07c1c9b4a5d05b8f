import Dataflow
import Declaration
import Summaries
import Testing

@testable import Millrace
@testable import Nodes

/// `grouping_sets` in a topology file: what it means, and everything that can be wrong with it.
@Suite struct GroupingSetsDeclarationTests {
    private static let fields = ["event", "platform", "country", "grouping_set"] + (1...11).map { "f\($0)" }

    /// A topology with these settings of a `summarize` node from line 11, column 7 on.
    private static func load(
        _ settings: String, metrics: String = "{ events: count() }"
    ) -> (plan: SummaryPlan?, diagnostics: Diagnostics) {
        let text = """
            topology: t
            nodes:
              events:
                file: events.ndjson
              records:
                from: events
                parse_json: { fields: { \(fields.map { "\($0): text" }.joined(separator: ", ")), ratio: double } }
              kpi:
                from: records
                summarize:
                  \(settings)
                  metrics: \(metrics)
              show:
                from: kpi
                console: {}
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        return (topology?.stages.compactMap { $0.plan as? SummaryPlan }.first, diagnostics)
    }

    @Test func keysAreTheUnionInOrderOfAppearance() throws {
        let (plan, diagnostics) = Self.load("grouping_sets: [[platform, event], [country, event], [event], []]")
        #expect(diagnostics.all.isEmpty, "\(diagnostics)")
        let found = try #require(plan)
        #expect(found.keys.map(\.name) == ["platform", "event", "country"])
        #expect(found.groupingSets?.map(\.name) == ["platform,event", "event,country", "event", "()"])
    }

    @Test func aFieldStandsForASetOfOneAsInSQL() throws {
        let plan = try #require(Self.load("grouping_sets: [event, [event, country]]").plan)
        #expect(plan.groupingSets?.map(\.name) == ["event", "event,country"])
    }

    @Test(arguments: [
        ("rollup: [platform, country, event]", ["platform,country,event", "platform,country", "platform", "()"]),
        ("rollup: event", ["event", "()"]),
        (
            "cube: [platform, country, event]",
            [
                "platform,country,event", "platform,country", "platform,event", "platform", "country,event", "country",
                "event", "()",
            ]
        ),
        ("cube: [event]", ["event", "()"]),
    ])
    func rollupAndCubeAreGroupingSets(settings: String, sets: [String]) throws {
        let (plan, diagnostics) = Self.load(settings)
        #expect(diagnostics.all.isEmpty, "\(diagnostics)")
        #expect(plan?.groupingSets?.map(\.name) == sets)
        // A table does not remember how its sets were written.
        let lists = sets.map { "[\($0 == "()" ? "" : $0)]" }.joined(separator: ", ")
        let written = try #require(Self.load("grouping_sets: [\(lists)]").plan)
        #expect(written.groupingSets == plan?.groupingSets && written.keys.map(\.name) == plan?.keys.map(\.name))
        // All but the first are derived from finer ones.
        #expect(SetDerivation(written.sets).derived.count == sets.count - 1)
    }

    @Test func aCubeOfSixFieldsIsTheLargest() {
        #expect(Self.load("cube: [f1, f2, f3, f4, f5, f6]").plan?.groupingSets?.count == 64)
        #expect(Self.load("rollup: [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10]").plan?.groupingSets?.count == 11)
    }

    @Test func withoutSetsNothingChanges() throws {
        let plan = try #require(Self.load("by: [event, grouping_set]").plan)
        #expect(plan.groupingSets == nil && plan.sets.map(\.name) == ["event,grouping_set"])
        #expect(Self.load("by: []").plan?.keys.isEmpty == true)
    }

    @Test(arguments: [
        (
            "grouping_sets: [[event, contry]]",
            [
                "t.yaml:11:31: error[unknown-field]: the records have no field 'contry', expected one of event, ",
                "did you mean 'country'?",
            ]
        ),
        (
            "grouping_sets: [[event, ratio]]",
            ["t.yaml:11:31: error[key-type]: ratio is double, which makes no groups; group by text, integer, "]
        ),
        (
            "grouping_sets: [[event, country, event]]",
            ["t.yaml:11:40: error[duplicate-key]: event is in one grouping set twice"]
        ),
        (
            "grouping_sets: [[event, country], [event], [country, event]]",
            [
                "t.yaml:11:50: error[duplicate-set]: grouping set event,country is there twice, first in line 11, column 23",
                "; the order of its fields makes no difference",
            ]
        ),
        (
            "grouping_sets: [[], [event], []]",
            ["t.yaml:11:36: error[duplicate-set]: grouping set () is there twice, first in line 11, column 23"]
        ),
        (
            "grouping_sets: []",
            [
                "t.yaml:11:22: error[set-count]: found no grouping sets, expected 1 to 64",
                "; for one row per window over all records, write [[]]",
            ]
        ),
        (
            "grouping_sets: [[f1, f2, f3, f4, f5, f6], [f6, f7, f8, f9, f10, f11]]",
            ["t.yaml:11:22: error[too-many-keys]: found 11 fields to group by, expected at most 10"]
        ),
        (
            "grouping_sets: [[event], [event, grouping_set]]",
            [
                "t.yaml:11:40: error[column-name]: grouping_set cannot be a key's name, it is used by Millrace",
                "; give the field another name in parse_json",
            ]
        ),
        (
            "grouping_sets: { event: country }",
            [
                "t.yaml:11:22: error[wrong-type]: 'grouping_sets' has the wrong type, found a map",
                "expected a list of: a list of: the name of a field",
            ]
        ),
        (
            "cube: [f1, f2, f3, f4, f5, f6, f7]",
            [
                "t.yaml:11:13: error[set-count]: a cube of 7 fields makes 128 grouping sets, expected at most 64",
                "; leave fields out, or write the sets that are wanted as grouping_sets",
            ]
        ),
        (
            "rollup: []",
            ["t.yaml:11:15: error[set-count]: found no fields in `rollup`, expected at least one; for one row per "]
        ),
        ("rollup: [event, country, event]", ["t.yaml:11:32: error[duplicate-key]: event is in `rollup` twice"]),
        ("cube: [event, ratio]", ["t.yaml:11:21: error[key-type]: ratio is double, which makes no groups"]),
        (
            "rollup: [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11]",
            ["t.yaml:11:15: error[too-many-keys]: found 11 fields to group by, expected at most 10"]
        ),
        (
            "rollup: [event, grouping_set]",
            ["t.yaml:11:23: error[column-name]: grouping_set cannot be a key's name, it is used by Millrace"]
        ),
        (
            "grouping_sets: [[[event]]]",
            ["t.yaml:11:24: error[wrong-type]: ", "expected the name of a field"]
        ),
    ])
    func whatIsWrongIsNamedWithItsPlace(settings: String, expected: [String]) {
        let (plan, diagnostics) = Self.load(settings)
        #expect(plan == nil)
        #expect(diagnostics.all.count == 1, "\(diagnostics)")
        for part in expected { #expect("\(diagnostics)".contains(part), "\(diagnostics)") }
    }

    @Test func byBesideSetsIsRefused() {
        let (_, diagnostics) = Self.load("grouping_sets: [[event], [country]]\n      by: [event]")
        #expect(
            "\(diagnostics)" == "t.yaml:12:11: error[by-and-sets]: found `by` beside `grouping_sets`, expected one of "
                + "them; make the fields of `by` one of the grouping sets")
    }

    @Test func oneWayOfGroupingIsEnough() {
        let (_, diagnostics) = Self.load("rollup: [event]\n      cube: [country]\n      by: [f1]")
        let hint = "expected one of them; write the sets that are wanted as grouping_sets"
        #expect(
            diagnostics.all.map(\.description) == [
                "t.yaml:12:13: error[by-and-sets]: found `cube` beside `rollup`, \(hint)",
                "t.yaml:13:11: error[by-and-sets]: found `by` beside `rollup`, \(hint)",
            ])
    }

    @Test func sixtyFourSetsAreEnough() {
        let sets = (0..<65).map { number in
            "[" + (0..<7).filter { number >> $0 & 1 == 1 }.map { "f\($0 + 1)" }.joined(separator: ", ") + "]"
        }
        #expect(Self.load("grouping_sets: [\(sets.prefix(64).joined(separator: ", "))]").diagnostics.all.isEmpty)
        let (_, diagnostics) = Self.load("grouping_sets: [\(sets.joined(separator: ", "))]")
        #expect("\(diagnostics)" == "t.yaml:11:22: error[set-count]: found 65 grouping sets, expected 1 to 64")
    }

    @Test func aMetricMayBeCalledGroupingSetOnlyWithoutSets() {
        let metrics = "{ grouping_set: count() }"
        #expect(Self.load("by: [event]", metrics: metrics).diagnostics.all.isEmpty)
        let (_, diagnostics) = Self.load("grouping_sets: [[event]]", metrics: metrics)
        #expect(
            "\(diagnostics)" == "t.yaml:12:18: error[column-name]: metric grouping_set makes a column grouping_set, "
                + "which is also the grouping set's name; give the metric another name")
    }

    @Test func everyMistakeIsSaidAtOnce() {
        let (_, diagnostics) = Self.load("grouping_sets: [[evnt], [ratio, event], [event, event]]\n      by: [event]")
        #expect(
            diagnostics.all.map(\.code).sorted() == ["by-and-sets", "duplicate-key", "key-type", "unknown-field"],
            "\(diagnostics)")
    }
}
