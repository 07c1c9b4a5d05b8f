import Dataflow
import Declaration
import Testing
import TopologyFile

@Suite struct TopologyDiagnosticsTests {
    /// A file with every mistake a file with sound syntax can have.
    private let wrongEverywhere = #"""
        topology: Game-KPIs
        memory: 1MB
        commit_intervall: 5s
        commit_interval: 5
        kafka: {}
        nodes:
          events:
            from: rows
            kafka:
              broker: a
              topics: { a: b }
              start: earlyest
              password: [canary-1f3a]
          events:
            kafka:
            brokers: a
          Records:
            parse_json:
              fields: { ts: , x: [a], y: { typ: text }, z: { type: text, required: yes } }
              depth_max: 5000
            concurrency: two
          a:
            from: b
            filter: "x"
          b:
            from: a
            filter:
              where: "x"
              where: "y"
          c:
            from: evnts
            filtr: "x"
          d:
            from: rows
            filter: ""
            summarize: { metrics: { a: count(), b: 5, c: [1] } }
          e: {}
          f:
            from: { a: b }
            filter: "x"
          g: 5
          rows:
            from: d
            postgres: "postgres://u:canary-1f3a@db/x"
          rows2:
            from: rows2
            postgres: { url: [postgres://u:canary-1f3a@db/x], table: "${MISSING}/x" }
        """#

    private let diagnostics = #"""
        t.yaml:1:11: error[bad-name]: the topology's name is not allowed, found 'Game-KPIs', expected a small letter, then small letters, digits and _, at most 48 in all; for example game_kpis
        t.yaml:2:9: error[wrong-type]: 'memory' has the wrong type, found '1MB', expected a size such as 512MiB from 64MiB to 1TiB; units are KiB, MiB, GiB and TiB: write 1MiB
        t.yaml:3:1: error[unknown-key]: the file has the unknown key 'commit_intervall', expected topology, nodes, memory, commit_interval; did you mean 'commit_interval'?
        t.yaml:4:18: error[wrong-type]: 'commit_interval' has the wrong type, found 5, expected a length of time such as 500ms, 1m or 1h from 10ms to 1h; add a unit: ms, s, m, h or d
        t.yaml:5:1: error[unknown-key]: the file has the unknown key 'kafka', expected topology, nodes, memory, commit_interval; nodes stand under 'nodes:'
        t.yaml:8:5: error[source-with-from]: node 'events' is a source (kafka) and reads from no node, found 'from'; remove 'from'
        t.yaml:10:7: error[unknown-field]: 'kafka' has no field 'broker', expected brokers, topics, start, password, settings; did you mean 'brokers'?
        t.yaml:11:15: error[wrong-type]: 'topics' has the wrong type, found a map, expected a list of: text
        t.yaml:12:14: error[unknown-choice]: 'start' is not one of its words, found 'earlyest', expected earliest | latest; did you mean 'earliest'?
        t.yaml:13:17: error[wrong-type]: 'password' has the wrong type, found a list, expected text
        t.yaml:14:3: error[duplicate-key]: the key 'events' stands twice in one map, first in line 7; remove one
        t.yaml:17:3: error[bad-name]: a node's name is not allowed, found 'Records', expected a small letter, then small letters, digits and _, at most 48 in all; for example records
        t.yaml:17:3: error[missing-from]: node 'Records' lacks 'from', expected the node this operator (parse_json) reads from; for example from: events
        t.yaml:19:21: error[no-value]: 'ts' has no value, expected a field type such as text, integer or decimal(2), or a map with path, type, required, on_type_error; give it one, or remove the key
        t.yaml:19:26: error[wrong-type]: 'x' has the wrong type, found a list, expected a field type such as text, integer or decimal(2), or a map with path, type, required, on_type_error
        t.yaml:19:36: error[unknown-field]: 'y' has no field 'typ', expected path, type, required, on_type_error; did you mean 'type'?
        t.yaml:19:76: error[wrong-type]: 'required' has the wrong type, found 'yes', expected true or false; write true
        t.yaml:20:18: error[out-of-range]: 'depth_max' is out of range, found 5000, expected a whole number from 1 to 1024
        t.yaml:21:18: error[wrong-type]: 'concurrency' has the wrong type, found 'two', expected a whole number from 1 to 1024
        t.yaml:23:11: error[cycle]: the nodes form a cycle: 'a' reads from 'b' reads from 'a', expected data to flow one way; change one 'from'
        t.yaml:29:7: error[duplicate-key]: the key 'where' stands twice in one map, first in line 28; remove one
        t.yaml:31:11: error[unknown-node]: node 'c' reads from an unknown node, found 'evnts', expected a node's name; did you mean 'events'?
        t.yaml:32:5: error[unknown-node-type]: node 'c' has an unknown node type, found 'filtr', expected one of kafka, parse_json, filter, summarize, postgres, console; did you mean 'filter'?
        t.yaml:34:11: error[sink-with-output]: node 'd' reads from a sink, found 'rows' (postgres), expected a source or an operator
        t.yaml:35:14: error[no-value]: 'filter' is empty, expected an expression; give it a value, or remove the key
        t.yaml:36:5: error[several-node-types]: node 'd' has several node types, found 'summarize' beside 'filter', expected one; make it a node of its own that reads from this one
        t.yaml:37:3: error[missing-node-type]: node 'e' has no node type, expected one of kafka, parse_json, filter, summarize, postgres, console
        t.yaml:39:11: error[wrong-type]: 'from' of node 'f' has the wrong type, found a map, expected the name of a node, or a list of names
        t.yaml:41:6: error[wrong-type]: node 'g' has the wrong type, found a value that is not shown, expected a map with a node type and, unless a source, from
        t.yaml:44:16: error[wrong-type]: 'postgres' has the wrong type, found a value that is not shown, expected a map with url, table
        t.yaml:46:11: error[cycle]: the nodes form a cycle: 'rows2' reads from 'rows2', expected data to flow one way; change one 'from'
        t.yaml:47:22: error[wrong-type]: 'url' has the wrong type, found a list, expected text
        t.yaml:47:63: error[missing-variable]: the environment variable MISSING is not set; set it, or give a default: ${MISSING:-value}
        """#

    @Test func allProblemsAreReportedAtOnce() {
        let (declaration, found) = SampleSpecs.read(wrongEverywhere)
        #expect(declaration == nil)
        let expected = diagnostics.split(separator: "\n").map(String.init)
        let lines = found.all.map(\.description)
        #expect(lines.count == expected.count)
        for (line, wanted) in zip(lines, expected) { #expect(line == wanted) }
    }

    /// Before: a chain of a thousand nodes ended the process, for want of stack.
    @Test(arguments: [256, 257]) func aChainHasAnEnd(length: Int) {
        let chain = (0..<length - 2).map {
            "  f\($0): { from: \($0 == 0 ? "events" : "f\($0 - 1)"), filter: \"n > 1\" }"
        }
        let (_, found) = SampleSpecs.read(
            """
            topology: deep
            nodes:
              events: { kafka: { brokers: "b:1", topics: [t] } }
            \(chain.joined(separator: "\n"))
              rows: { from: f\(length - 3), console: {} }
            """)
        #expect(
            found.all.filter { $0.code == "chain-too-long" }.map(\.location.line) == (length > 256 ? [length + 2] : []))
    }

    @Test func diagnosticsStandInFileOrder() {
        let places = SampleSpecs.read(wrongEverywhere).1.all.map { ($0.location.line, $0.location.column) }
        #expect(zip(places, places.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test(arguments: [
        ("", "1:1: error[empty-file]: the file is empty, expected a topology; begin with: topology: NAME"),
        ("# nothing\n", "1:1: error[empty-file]: the file is empty, expected a topology; begin with: topology: NAME"),
        ("---\n", "1:1: error[empty-file]: the file is empty, expected a topology; begin with: topology: NAME"),
        (
            "- a\n",
            "1:1: error[wrong-type]: the file has the wrong shape, found a list, expected a map with topology and nodes"
        ),
        (
            "topology: x\n---\ntopology: y\n",
            "2:1: error[several-documents]: a second YAML document begins, expected one topology per file; move it to a file of its own"
        ),
        (
            "topology: x\nnodes:\n\ta: 1\n",
            "3:1: error[tab]: a tab character indents this line, expected spaces; YAML does not allow tabs for indentation"
        ),
        (
            "topology: x\nnodes: {a: [1, 2}\n",
            "2:17: error[yaml-syntax]: the YAML is malformed while parsing a flow sequence that begins at line 2: did not find expected ',' or ']'; check the indentation, and that brackets and quotes are closed"
        ),
        (
            "topology: x\nnodes:\n  a: b: c\n",
            "3:7: error[yaml-syntax]: the YAML is malformed: mapping values are not allowed in this context; put a value that holds ': ' in quotes, or check the indentation"
        ),
        (
            "topology: x\nname: 'abc\n",
            "3:1: error[yaml-syntax]: the YAML is malformed while scanning a quoted scalar that begins at line 2: found unexpected end of stream; close the quote"
        ),
        (
            "topology: x\nfoo: %abc\n",
            "2:6: error[yaml-syntax]: the YAML is malformed while scanning for the next token that begins at line 2: found character that cannot start any token; put a value that begins with % in quotes"
        ),
        (
            "topology: \u{1}x\n",
            "1:11: error[forbidden-character]: a character is not allowed in YAML, found U+0001, expected printable text"
        ),
        (
            "topology: x\nnodes: *foo\n",
            "2:8: error[unknown-alias]: an alias names no anchor that stands before it; set the anchor first: key: &name value"
        ),
        (
            "topology: x\nnodes: {}\n",
            "2:8: error[wrong-type]: 'nodes' has the wrong type, found an empty map, expected a map from names to nodes"
        ),
    ])
    func anUnreadableFileIsExplained(text: String, expected: String) {
        #expect(SampleSpecs.lines(text) == ["t.yaml:" + expected])
    }

    @Test func bytesThatAreNotUTF8HaveAPlace() {
        let bytes = Array("topology: x\nname: ab".utf8) + [0xFF, 0x41]
        let reader = TopologyReader(specs: SampleSpecs.specs, settings: [], environment: [:])
        let lines = reader.read(file: "t.yaml", bytes: bytes).1.all.map(\.description)
        #expect(
            lines == [
                "t.yaml:2:9: error[not-utf8]: the file is not text in UTF-8, found other bytes here; save the file as UTF-8"
            ])
    }

    @Test func everyDuplicateKeyIsReported() {
        let text = "topology: x\nnodes:\n  a: {filter: x, filter: y, from: b}\n  a: {}\n  a: {}\ntopology: z\n"
        let lines = SampleSpecs.lines(text).filter { $0.contains("duplicate-key") }
        #expect(
            lines.map { $0.prefix { $0 != ";" } } == [
                "t.yaml:3:18: error[duplicate-key]: the key 'filter' stands twice in one map, first in line 3",
                "t.yaml:4:3: error[duplicate-key]: the key 'a' stands twice in one map, first in line 3",
                "t.yaml:5:3: error[duplicate-key]: the key 'a' stands twice in one map, first in line 3",
                "t.yaml:6:1: error[duplicate-key]: the key 'topology' stands twice in one map, first in line 1",
            ])
    }

    @Test func aFieldBesideItsNodeTypeGetsAHint() {
        let text = "topology: x\nnodes:\n  events:\n    kafka:\n    brokers: a\n    topics: [b]\n"
        #expect(
            SampleSpecs.lines(text).contains(
                "t.yaml:5:5: error[unknown-field]: node 'events' has no field 'brokers', expected from, concurrency, cluster_concurrency, kafka; "
                    + "'brokers' is a field of kafka: indent it below"))
    }

    /// As other programs have it.
    @Test(arguments: [
        ("kind: filter, where: x", "kind", "write filter: { where: … } instead"),
        ("type: filter, where: x", "type", "write filter: { where: … } instead"),
        ("type: filtr, where: x", "type", "write filter: { where: … } instead"),
        ("uses: summarize, with: { metrics: {} }", "uses", "write summarize: … instead"),
    ])
    func aTypeAsAValueIsShownAsAKey(node: String, key: String, hint: String) {
        let lines = SampleSpecs.lines(
            "topology: x\nnodes:\n  events: { kafka: { brokers: a, topics: [b] } }\n  f: { from: events, \(node) }\n")
        #expect(
            lines.filter { $0.hasPrefix("t.yaml:4:") } == [
                "t.yaml:4:22: error[node-type-as-value]: node 'f' has its type as the value of '\(key)', expected it as a key "
                    + "that has the node's fields below it; \(hint)"
            ])
    }

    /// Where the key is a mistyped type, or the value none, it is as ever.
    @Test(arguments: ["filtr: filter", "kind: 5", "type: sorted, where: x", "kind: { filter: x }"])
    func whatIsNoTypeIsNone(node: String) {
        let lines = SampleSpecs.lines(
            "topology: x\nnodes:\n  events: { kafka: { brokers: a, topics: [b] } }\n  f: { from: events, \(node) }\n")
        #expect(lines.contains { $0.contains("error[unknown-node-type]") }, "\(lines)")
    }

    @Test func anUnusedNodeIsAWarning() {
        let text = SampleSpecs.whole + "  paying:\n    from: records\n    filter: revenue > 0\n"
        let (declaration, found) = SampleSpecs.read(text)
        #expect(declaration?.nodes.count == 4)
        #expect(
            found.all.map(\.description) == [
                "t.yaml:11:3: warning[unused-node]: nobody reads the output of node 'paying' (filter); "
                    + "add a node with from: paying, or remove this one"
            ])
    }
}
