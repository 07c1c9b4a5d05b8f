import Dataflow
import Declaration
import Testing

@testable import Millrace

/// Mistakes in an `exec` node, and what it hands on.
@Suite struct ExecDiagnosticsTests {
    private static func load(_ exec: String, by: String = "s") -> (
        topology: CompiledTopology?, diagnostics: Diagnostics
    ) {
        TopologyLoader(environment: ["TEXT": "t"]).load(
            text: """
                topology: t
                nodes:
                  e: { file: a.ndjson }
                  r: { from: e, parse_json: { event_time: ts, fields: { ts: timestamp, k: text, n: integer } } }
                  x: { from: r, exec: { \(exec) } }
                  kpi: { from: x, summarize: { by: [\(by)], metrics: { records: count() } } }
                  out: { from: kpi, console: {} }

                """, from: "t.yaml")
    }

    @Test(arguments: [
        (
            "command: [], add: { s: text }",
            "t.yaml:5:34: error[exec-command]: the command of x names no program, expected one and its arguments; for example "
                + "[python3, -u, score.py]"
        ),
        (
            "command: [a, \"${TEXT}\"], add: { s: text }",
            "t.yaml:5:39: error[exec-command]: the command of x has something from the environment in it, and every user of the "
                + "machine can read the arguments of a program; give it to the program in a variable: env: { NAME: \"${NAME}\" }"
        ),
        (
            "command: a, env: { \"A=B\": c }, add: { s: text }",
            "t.yaml:5:45: error[exec-env]: a variable cannot be called or hold that, expected a name without = and a text without "
                + "NUL"
        ),
        (
            "command: a, echo: k, add: { s: text }",
            "t.yaml:5:43: error[field-twice]: echo is k, which the records that are sent have already, expected a new name; write "
                + "millrace_number"
        ),
        (
            "command: a, add: { s: { type: text, path: \"a[0]\" } }",
            "error[field-path]: the path of s"
        ),
        (
            "command: a, add: { s: { type: text, path: \"a[k=x].v\" } }",
            "error[field-path]: the path of s chooses an element of an array, found \"a[k=x].v\", expected keys joined by dots; "
                + "have the program answer a member of its own for it"
        ),
        ("command: a, add: { s: str }", "error[field-type]: unknown type, found \"str\""),
        ("command: a, send: [q], add: { s: text }", "error[unknown-field]"),
        ("add: { s: text }", "error[missing-field]"),
        ("command: a, add: {}", "error[no-fields]"),
        (
            "command: a, add: { s: text, ts: timestamp }",
            "t.yaml:5:53: error[event-time-replaced]: node x: ts is the event time"
        ),
    ])
    func aMistakeIsOneError(exec: String, expected: String) {
        let found = Self.load(exec).diagnostics.all.map(\.description)
        #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    }

    /// What has no `from` is a source, unless its fields say otherwise.
    @Test(arguments: [
        ("exec: { command: [], restart: repeats }", "error[exec-command]: the command of e names no program"),
        ("exec: { command: a, env: { \"A=B\": c }, restart: resumes }", "error[exec-env]"),
        ("exec: { command: a }", "error[missing-field]: 'exec' lacks 'restart'"),
        ("exec: { command: a, restart: often }", "error[unknown-choice]: 'restart' is not one of its words"),
        ("exec: { command: a, restart: repeats, echo: q }", "error[unknown-field]"),
        ("exec: { command: a, add: { s: text } }", "lacks 'from', expected the node this operator (exec) reads from"),
        ("exec: { command: a, restart: repeats }", ""),
    ])
    func aProgramWithoutInputIsASource(source: String, expected: String) {
        let found = TopologyLoader(environment: [:]).load(
            text: """
                topology: t
                nodes:
                  e: { \(source) }
                  r: { from: e, parse_json: { fields: { k: text } } }
                  kpi: { from: r, summarize: { by: [k], metrics: { records: count() } } }
                  out: { from: kpi, console: {} }

                """, from: "t.yaml"
        ).diagnostics.all.map(\.description)
        #expect(expected.isEmpty ? found == [] : found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test func twoSourcesDoNotShareAPosition() {
        let found = TopologyLoader(environment: [:]).load(
            text: """
                topology: t
                nodes:
                  e: { exec: { command: a, restart: repeats } }
                  f: { exec: { command: b, restart: repeats, position: e } }
                  r: { from: [e, f], parse_json: { fields: { k: text } } }
                  kpi: { from: r, summarize: { by: [k], metrics: { records: count() } } }
                  out: { from: kpi, console: {} }

                """, from: "t.yaml"
        ).diagnostics.all.map(\.description)
        #expect(found.contains { $0.contains("error[read-twice]: exec:e is read by e and by f") }, "\(found)")
    }

    /// The same mistakes in a program that is run after commits.
    @Test(arguments: [
        ("command: []", "error[exec-command]: the command of out names no program"),
        ("command: [a, \"${TEXT}\"]", "error[exec-command]: the command of out has something from the environment"),
        ("command: a, env: { \"A=B\": c }", "error[exec-env]"),
        ("rows: false", "error[missing-field]"),
        ("command: a, timeout: 5ms", "error["),
        ("command: a, every: 5m", "error[unknown-field]"),
    ])
    func aMistakeAfterACommitIsOneError(step: String, expected: String) {
        let found = TopologyLoader(environment: ["TEXT": "t"]).load(
            text: """
                topology: t
                nodes:
                  e: { file: a.ndjson }
                  r: { from: e, parse_json: { fields: { k: text } } }
                  kpi: { from: r, summarize: { by: [k], metrics: { records: count() } } }
                  out: { from: kpi, postgres: { url: "postgresql://h/d", table: t, after_commit: { \(step) } } }

                """, from: "t.yaml"
        ).diagnostics.all.map(\.description)
        #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    }

    @Test func fieldsAreAddedAndReplacedWithTheirTypes() throws {
        let (topology, diagnostics) = Self.load("command: a, add: { s: text, n: decimal(2) }", by: "s, n, k")
        let found = try #require(topology, "\(diagnostics)")
        #expect(!diagnostics.hasErrors)
        #expect(found.stages[1].plan.addedColumns == [.text, .decimal(scale: 2)])
        // A stage of its own with one program, unless the topology says.
        #expect(found.stages[1].concurrency == 1)
    }

    @Test func whatDecidesItsAnswersIsPartOfWhatRowsMean() throws {
        func meaning(_ exec: String) throws -> [String] {
            let topology = try #require(Self.load(exec).topology)
            return topology.meaning(behind: 2).lines.map { "\($0.key) \($0.value)" }
        }
        let plain = try meaning("command: [a, b], send: [k], add: { s: text }")
        #expect(
            try meaning("command: [a, b], send: [k], add: { s: text }, timeout: 1s, tries: 5, mode: batch") == plain)
        for other in [
            "command: [a, c], send: [k], add: { s: text }", "command: [a, b], send: [k, n], add: { s: text }",
            "command: [a, b], send: [k], add: { s: { type: text, path: t } }",
        ] {
            #expect(try meaning(other) != plain, "\(other)")
        }
    }
}
