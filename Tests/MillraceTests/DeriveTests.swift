import Dataflow
import Declaration
import Testing

@testable import Millrace

/// `derive` in a topology file: what it means for tables, and everything that can be wrong with it.
@Suite struct DeriveTests {
    private static func load(
        _ derive: String, by: String = "[k]", environment: [String: String] = [:]
    ) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { fields: { k: text, n: integer, other: text } } }
              shaped:
                from: records
                derive:
                  \(derive)
              kpi: { from: shaped, summarize: { by: \(by), metrics: { c: count() } } }
              show: { from: kpi, console: {} }
            """
        return TopologyLoader(environment: environment).load(text: text, from: "t.yaml")
    }

    @Test(arguments: [
        (
            "x: lower(kk)",
            "t.yaml:8:16: error[unknown-field]: the records have no field 'kk', expected one of k, n, other; did you mean 'k'?"
        ),
        (
            "1x: lower(k)",
            "t.yaml:8:7: error[field-name]: a field cannot be called 1x, expected a letter or _, then letters"
        ),
        (
            "x: y\n      y: n",
            "t.yaml:8:10: error[unknown-field]: the records have no field 'y' yet: it is made further below; put y above this"
        ),
        ("x: [n]", "t.yaml:8:10: error[wrong-type]: 'x' has the wrong type, found a list"),
    ])
    func whatIsWrongIsNamedWithItsPlace(derive: String, expected: String) {
        let errors = Self.load(derive).diagnostics.all.filter { $0.severity == .error }
        #expect(errors.count == 1 && errors[0].description.hasPrefix(expected), "\(errors)")
    }

    @Test func aWrongFieldIsNotMissedBehind() {
        let errors = Self.load("x: lower(kk)", by: "[x]").diagnostics.all.filter { $0.severity == .error }
        #expect(errors.map(\.code) == ["unknown-field"], "\(errors)")
    }

    /// Whoever has given the event time another name may use the old one.
    @Test func theNameOfARenamedEventTimeIsFree() {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, k: text } } }
              moved: { from: records, rename: { happened: ts } }
              shaped: { from: moved, derive: { ts: "date_trunc('hour', happened)" } }
              kpi: { from: shaped, summarize: { window: 1d, by: [ts], metrics: { c: count() } } }
              show: { from: kpi, console: {} }
            """
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml").diagnostics
        #expect(!found.hasErrors, "\(found)")
    }

    /// Tables remember how the fields came about on which their rows depend, and nothing else.
    @Test func whatATableMeansHoldsTheExpressionsThatItDependsOn() throws {
        let lines = { (derive: String, environment: [String: String]) throws -> [String] in
            let topology = try #require(Self.load(derive, environment: environment).topology)
            return topology.meaning(behind: topology.stages.count - 1).lines.map { "\($0.key): \($0.value)" }
        }
        let plain = try lines("k: LOWER( other )\n      unused: n + 1", [:])
        #expect(plain.contains("field k: is lower(other)"), "\(plain)")
        #expect(
            plain.contains { $0.hasPrefix("field other: text") } && !plain.contains { $0.contains("unused") },
            "\(plain)")
        let chained = try lines("a: lower(other)\n      k: upper(a)", [:])
        #expect(chained.contains("field a: is lower(other)") && chained.contains("field k: is upper(a)"), "\(chained)")
        let secret = try lines("k: \"pseudonym(k, '${KEY}')\"", ["KEY": "canary"])
        let another = try lines("k: \"pseudonym(k, '${KEY}')\"", ["KEY": "other"])
        #expect(!secret.contains { $0.contains("canary") } && secret != another, "\(secret)")
    }

    @Test func columnsOfBranchesDoNotMeet() throws {
        let text = """
            topology: t
            nodes:
              events: { file: events.ndjson }
              records: { from: events, parse_json: { fields: { k: text } } }
              a: { from: records, derive: { x: upper(k), y: length(k) } }
              b: { from: records, derive: { x: lower(k) } }
              ka: { from: a, summarize: { by: [x, y], metrics: { c: uniques(x) } } }
              kb: { from: b, summarize: { by: [x], metrics: { c: count() } } }
              sa: { from: ka, console: {} }
              sb: { from: kb, console: {} }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        #expect(diagnostics.all.isEmpty, "\(diagnostics)")
        let found = try #require(topology)
        #expect(found.sources[0].layout.count == 4 && found.sources[0].layout.parsedCount == 1)
        #expect(found.stages[1...2].map(\.firstAdded) == [1, 3])
    }
}
