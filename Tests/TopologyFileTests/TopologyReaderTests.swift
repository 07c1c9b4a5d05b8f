import Dataflow
import Declaration
import Testing
import TopologyFile

@Suite struct TopologyReaderTests {
    private func place(_ location: Declaration.SourceLocation?) -> String? {
        location.map { "\($0.line):\($0.column)" }
    }

    /// The `where` of a filter node whose YAML is `yaml`, and its place.
    private func filter(_ yaml: String, environment: [String: String] = [:]) -> (text: String?, place: String?) {
        let text = "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  f:\n    from: s\n" + yaml
        let (declaration, _) = SampleSpecs.read(text, environment: environment)
        let value = declaration?.nodes.last?.config["where"]
        return (value?.string, place(value?.location))
    }

    @Test func nodesAreSortedSourcesFirst() throws {
        let text = """
            topology: x
            nodes:
              rows: { from: late, postgres: { url: u, table: t } }
              late: { from: early, filter: a }
              early: { from: s2, filter: a, concurrency: 3 }
              s1: { kafka: { brokers: a, topics: b } }
              other: { from: s1, filter: b }
              s2: { kafka: { brokers: a, topics: b } }
            """
        let nodes = try #require(SampleSpecs.read(text).0).nodes
        #expect(nodes.map(\.name) == ["s1", "s2", "early", "other", "late", "rows"])
        #expect(nodes.map(\.inputs) == [[], [], [1], [0], [2], [4]])
        #expect(nodes.map(\.concurrency) == [nil, nil, 3, nil, nil, nil])
        #expect(place(nodes[2].location) == "5:3")
        #expect(place(nodes[2].inputLocations.first) == "5:18")
    }

    @Test func valuesAreConvertedAndDefaultsFilledIn() throws {
        let text = """
            topology: game_kpis
            memory: 256MiB
            nodes:
              events:
                kafka: { brokers: "a:1", topics: one, password: "p", settings: { x: 1, y: no } }
              records: { from: events, parse_json: { fields: { a: text, b: { type: integer, required: true } } } }
              kpi: { from: records, summarize: { window: 90s, metrics: { n: count(), m: { metric: count(), where: a } } } }
              rows: { from: kpi, postgres: { url: "u", table: 12 } }
            """
        let declaration = try #require(SampleSpecs.read(text).0)
        #expect(declaration.name == "game_kpis")
        #expect(place(declaration.nameLocation) == "1:11")
        #expect(declaration.settings["memory"]?.integer == 256 << 20)
        #expect(declaration.settings["commit_interval"]?.duration == .seconds(1))
        let kafka = declaration.nodes[0].config
        #expect(kafka["topics"]?.list?.map(\.string) == ["one"])
        #expect(kafka["start"]?.string == "earliest")
        #expect(kafka["settings"]?.entries?.map(\.key) == ["x", "y"])
        #expect(kafka["settings"]?["y"]?.string == "no")
        let fields = declaration.nodes[1].config["fields"]
        #expect(fields?["a"]?["type"]?.string == "text")
        #expect(fields?["a"]?["required"]?.boolean == false, "a bare type has the defaults of the rest")
        #expect(fields?["b"]?["required"]?.boolean == true)
        #expect(declaration.nodes[1].config["depth_max"]?.integer == 64)
        let kpi = declaration.nodes[2].config
        #expect(kpi["window"]?.duration == .seconds(90))
        #expect(kpi["by"]?.list?.isEmpty == true)
        #expect(kpi["metrics"]?["n"]?["metric"]?.string == "count()")
        #expect(kpi["by"]?.isDefault == true && kpi["window"]?.isDefault == false)
        #expect(kpi["metrics"]?["m"]?["where"]?.string == "a")
        #expect(declaration.nodes[3].config["table"]?.string == "12")
    }

    @Test(arguments: [
        ("    filter: a > 1\n", "a > 1", "6:13"),
        ("    filter: \"a > 1\"\n", "a > 1", "6:14"),
        ("    filter: 'a > 1'\n", "a > 1", "6:14"),
        ("    filter: { where: 'a > 1' }\n", "a > 1", "6:23"),
        ("    filter:   &x \"a > 1\"\n", "a > 1", "6:19"),
        ("    filter: !!str a > 1\n", "a > 1", "6:19"),
        ("    filter:\n      a > 1\n", "a > 1", "7:7"),
        ("    filter: |\n        a > 1 &&\n        b\n", "a > 1 &&\nb\n", "7:9"),
        ("    filter: |-\n\n      a > 1\n", "\na > 1", "7:7"),
        ("    filter: |2\n        a > 1\n", "  a > 1\n", "7:7"),
        ("    filter: >-\n      a > 1\n      && b\n", "a > 1 && b", "7:7"),
        ("    filter: 'ö == ''x'''\n", "ö == 'x'", "6:14"),
    ])
    func anExpressionPointsToItsFirstCharacter(yaml: String, text: String, place: String) {
        let found = filter(yaml)
        #expect(found.text == text)
        #expect(found.place == place)
    }

    @Test func windowsLineEndingsAndByteOrderMarkDoNotShiftPlaces() {
        let text = "\u{FEFF}topology: x\r\nmemry: 1\r\nnodes:\r\n  a: 5\r\n"
        #expect(SampleSpecs.lines(text).map { $0.prefix { $0 != " " } } == ["t.yaml:2:1:", "t.yaml:4:6:"])
    }

    @Test func anchorsAliasesAndMergeKeysWork() throws {
        let text = """
            topology: x
            nodes:
              a: { kafka: &shared { brokers: one, topics: [t] } }
              b: { kafka: { <<: *shared, brokers: two } }
              c: { kafka: *shared }
            """
        let nodes = try #require(SampleSpecs.read(text).0).nodes
        #expect(nodes.map { $0.config["brokers"]?.string } == ["one", "two", "one"])
        #expect(nodes.map { $0.config["topics"]?.list?.count } == [1, 1, 1])
    }

    @Test func aliasesCannotMultiplyWithoutEnd() {
        var text = "topology: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let alias = "*a\(level - 1)"
            text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
        }
        #expect(SampleSpecs.lines(text).contains { $0.contains("error[too-large]") })
    }

    @Test func deepNestingIsRefused() {
        let text = "topology: x\nnodes: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(SampleSpecs.lines(text).contains { $0.contains("error[too-large]") })
    }
}
