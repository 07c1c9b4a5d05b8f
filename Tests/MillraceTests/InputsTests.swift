import Dataflow
import Declaration
import Summaries
import Testing

@testable import Millrace

/// Several nodes in one `from`, and the nodes that decide which fields there are.
@Suite struct InputsTests {
    /// A topology of two sources with records, `nodes` from line 13 on, and a summary of `all`.
    private static func load(
        _ nodes: String, metrics: String = "{ n: count() }", by: String = "[kind]", window: String = ""
    ) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let text =
            """
            topology: t
            nodes:
              live: { file: live.ndjson }
              old: { file: old.ndjson }
              new_records:
                from: live
                parse_json: { event_time: ts, fields: { kind: text, ts: timestamp, price: decimal(2), size: integer } }
              old_records:
                from: old
                parse_json: { event_time: at, fields: { size: double, at: timestamp, kind: text, price: decimal(2) } }
              big: { from: new_records, filter: "price > 1" }
              small: { from: new_records, filter: "price < 1" }

            """ + nodes.split(separator: "\n").map { "  \($0)\n" }.joined() + """
                  kpi: { from: all, summarize: { \(window)by: \(by), metrics: \(metrics) } }
                  show: { from: kpi, console: {} }
                """
        return TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
    }

    @Test func recordsOfTwoSourcesComeTogetherByTheFieldsThatTheyShare() throws {
        let (topology, diagnostics) = Self.load(
            "all: { from: [new_records, old_records], keep: [kind, price] }", metrics: "{ s: sum(price) }",
            window: "window: 1m, ")
        #expect(!diagnostics.hasErrors, "\(diagnostics)")
        let found = try #require(topology)
        let plan = try #require(found.stages.compactMap { $0.plan as? SummaryPlan }.first)
        // Kind, price and the event time lie in other columns of each source, and have one number here.
        let (live, old) = (found.sources[0].layout, found.sources[1].layout)
        let price = plan.metrics[0].metric.fields[0].column
        #expect(live.origin(of: price) == 2 && old.origin(of: price) == 3)
        #expect(
            plan.keys.map { live.origin(of: $0.column) } == [0] && plan.keys.map { old.origin(of: $0.column) } == [2])
    }

    @Test func oneNodeReadsTheMessagesOfSeveralSources() throws {
        let text = """
            topology: t
            nodes:
              live: { file: live.ndjson }
              old: { file: old.ndjson }
              records: { from: [live, old], parse_json: { fields: { kind: text } } }
              kpi: { from: records, summarize: { by: [kind], metrics: { n: count() } } }
              show: { from: kpi, console: {} }
            """
        let (topology, diagnostics) = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        #expect(!diagnostics.hasErrors, "\(diagnostics)")
        #expect(topology?.sources.map(\.child) == [0, 0])
    }

    @Test(arguments: [
        (
            "all: { from: [big, old_records, small], keep: [kind] }",
            "t.yaml:13:35: error[source-twice]: nodes big and small both bring records of source live, which would be counted "
                + "twice; say with `or` in one filter what both let through"
        ),
        (
            "all: { from: [big, live], filter: \"kind == 'a'\" }",
            "t.yaml:13:22: error[mixed-inputs]: node live hands on messages beside records, expected records as from all "
                + "others in one 'from'; put a node that makes records of its messages in between"
        ),
        (
            "all: { from: [big, big], filter: \"kind == 'a'\" }",
            "t.yaml:13:22: error[input-twice]: node 'all' reads from node 'big' twice; name it once"
        ),
        (
            "all: { from: big, keep: [kind, price, kind] }",
            "t.yaml:13:41: error[field-twice]: field kind is named twice; name it once"
        ),
        (
            "all: { from: big, drop: [knd] }",
            "t.yaml:13:28: error[unknown-field]: the records have no field 'knd', expected one of kind, ts, price, size; did "
                + "you mean 'kind'?"
        ),
        (
            "all: { from: big, rename: { price: size } }",
            "t.yaml:13:31: error[field-taken]: the records have a field price already; choose another name, or rename that "
                + "one as well"
        ),
        (
            "all: { from: big, rename: { a: size, b: size } }",
            "t.yaml:13:43: error[field-twice]: field size gets two names, a and b; derive the second one: b: size"
        ),
        (
            "all: { from: big, rename: { 1a: size } }",
            "t.yaml:13:31: error[field-name]: a field cannot be called 1a, expected a letter or _, then letters, digits or _"
        ),
        (
            "all: { from: big, keep: [] }",
            "t.yaml:13:27: error[no-fields]: no field is named here, expected one at least; name one, or remove the node"
        ),
        ("all: { from: big, rename: {} }", "t.yaml:13:29: error[no-fields]: no field is named here"),
        (
            "all: { from: big, rename: kind }",
            "t.yaml:13:29: error[wrong-type]: 'rename' has the wrong type, found 'kind', expected a map"
        ),
        ("all: { from: [], keep: [kind] }", "t.yaml:13:16: error[wrong-type]: 'from' of node 'all' is an empty list"),
    ])
    func whatIsWrongIsNamedWithItsPlace(node: String, expected: String) {
        let found = Self.load(node).diagnostics
        let errors = found.all.filter { $0.severity == .error }
        #expect(errors.count == 1 && errors.first?.description.hasPrefix(expected) == true, "\(found)")
    }

    @Test(arguments: [
        ("a: { from: old_records, drop: [price] }", "[price]", "15:39", "price", "those of node a have none"),
        (
            "a: { from: old_records, drop: [price] }", "[size]", "15:39", "size",
            "it is integer in node new_records and double in node a"
        ),
    ])
    func aFieldThatNotAllHaveAlikeIsNamedWhereItIsUsed(
        node: String, by: String, place: String, field: String, reason: String
    ) {
        let found = Self.load(node + "\nall: { from: [new_records, a], sample: 1% }", by: by).diagnostics
        #expect(
            found.all.filter { $0.severity == .error }.map(\.description) == [
                "t.yaml:\(place): error[unknown-field]: the records that come together here have no common field '\(field)': "
                    + "\(reason); declare it alike in front of every node in that 'from'"
            ])
    }

    @Test func whatAnInputLacksIsKnownBehindTheNextJoinToo() {
        let nodes = """
            a: { from: old_records, drop: [price] }
            b: { from: [new_records, a], sample: 1% }
            third: { file: third.ndjson }
            c: { from: third, parse_json: { fields: { kind: text } } }
            all: { from: [b, c], sample: 1% }
            """
        let errors = Self.load(nodes, by: "[price]").diagnostics.all.filter { $0.severity == .error }
        #expect(errors.count == 1 && "\(errors)".contains("common field 'price': those of node"), "\(errors)")
    }

    @Test func aRenamedFieldIsUsedByItsNewName() throws {
        let (topology, diagnostics) = Self.load(
            "all: { from: big, rename: { size: price, price: size } }", metrics: "{ s: sum(size) }")
        #expect(!diagnostics.hasErrors, "\(diagnostics)")
        let plan = try #require(topology?.stages.compactMap { $0.plan as? SummaryPlan }.first)
        #expect(
            plan.metrics[0].metric.fields[0].column == 2 && plan.metrics[0].metric.fields[0].type == .decimal(scale: 2))
        // A table that sums another field under the same name means something else.
        let lines = try #require(topology).meaning(behind: 5).lines.map { "\($0.key): \($0.value)" }
        #expect(lines.contains("field size: is price"), "\(lines)")
    }

    @Test func waysThatDifferAreToldApartInWhatATableMeans() throws {
        let one = try #require(Self.load("all: { from: [big, old_records], keep: [kind] }").topology)
        let other = try #require(Self.load("all: { from: [old_records, big], keep: [kind] }").topology)
        let lines = { (topology: CompiledTopology) in topology.meaning(behind: topology.stages.count - 1).lines }
        #expect(lines(one).contains { $0.key.hasPrefix("input") && $0.key.hasSuffix("only if") }, "\(lines(one))")
        #expect(lines(one) == lines(other))
        let both = try #require(Self.load("all: { from: [new_records, old_records], keep: [kind] }").topology)
        #expect(!lines(both).contains { $0.key.hasSuffix("only if") })
    }
}
