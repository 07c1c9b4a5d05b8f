import Dataflow
import Declaration
import Foundation
import Testing

@testable import Millrace

/// Mistakes that concern how nodes are joined, sources, paths, and the files themselves.
@Suite struct WiringDiagnosticsTests {
    private static func lines(_ nodes: String) -> [String] {
        TopologyLoader(environment: [:]).load(text: "topology: t\nnodes:\n" + nodes, from: "t.yaml").diagnostics.all
            .map(\.description)
    }

    private static let parsed = """
          events: { file: a.ndjson }
          records: { from: events, parse_json: { fields: { k: text } } }
          kpi: { from: records, summarize: { by: [k], metrics: { n: count() } } }
          show: { from: kpi, console: {} }

        """

    @Test(arguments: [
        (
            "f: { from: events, filter: \"k == 'x'\" }",
            "node f is a filter, which reads records; put a parse_json between it and the source"
        ),
        (
            "f: { from: events, sample: 1% }",
            "node f is a sample, which reads records; put a parse_json between it and the source"
        ),
        (
            "f: { from: events, summarize: { metrics: { n: count() } } }",
            "node f is a summarize, which reads records; put a parse_json between it and the source"
        ),
        (
            "s: { from: kpi, summarize: { metrics: { n: count() } } }",
            "node s is a summarize, which reads records, not groups"
        ),
        ("c: { from: records, console: {} }", "node c is a console, which takes the groups of a summarize node"),
        (
            "p: { from: records, parse_json: { fields: { k: text } } }",
            "node p is a parse_json, which reads the messages of a source"
        ),
    ])
    func aNodeInTheWrongPlaceIsOneError(node: String, expected: String) {
        let found = Self.lines(Self.parsed + "  " + node + "\n").filter { $0.contains("error") }
        #expect(found.count == 1 && found[0].hasSuffix("error[misplaced-node]: " + expected), "\(found)")
    }

    @Test(arguments: [
        ("p2: { from: events, parse_json: { fields: { k: text } } }", "second-parser"),
        ("e2: { file: a.ndjson }", "read-twice"), ("e2: { file: [] }", "no-files"),
        ("e2: { kafka: { brokers: a, topics: [] } }", "kafka-topics"),
        ("e2: { kafka: { brokers: a, topics: [t, t] } }", "kafka-topics"),
        ("e2: { kafka: { brokers: a, topics: [t], start: noon } }", "kafka-start"),
        ("e2: { kafka: { brokers: a, topics: [t], settings: { bogus: 1 } } }", "kafka-settings"),
        ("e2: { file: b, file: c }", "duplicate-key"),
        ("s: { from: records, sample: 1 }", "sample-share"), ("s: { from: records, sample: 200% }", "sample-share"),
        ("s: { from: records, sample: { share: 1%, by: uesr } }", "unknown-field"),
        ("s: { from: kpi, sample: 1% }", "misplaced-node"),
        ("f: { from: records, filter: \"k == 'x'\", cluster_concurrency: 2 }", "cluster-concurrency-database"),
        ("e2: { file: b.ndjson, cluster_concurrency: 2 }", "cluster-concurrency-place"),
        ("f: { from: records, filter: \"k == 'x'\", cluster_concurrency: 0 }", "out-of-range"),
    ])
    func everyCodeHasItsMistake(node: String, code: String) {
        let found = Self.lines(Self.parsed + "  " + node + "\n").filter { $0.contains("error") }
        #expect(found.count == 1 && found[0].contains("error[\(code)]"), "\(found)")
    }

    /// One parser cannot read two kinds of records, so the way is another topology.
    @Test func twoKindsOfRecordsAreForTwoTopologies() {
        let found = Self.lines(
            Self.parsed + "  p2: { from: events, parse_json: { each: items, fields: { k: text } } }\n")
        #expect(
            found.contains {
                $0.hasSuffix(
                    "error[second-parser]: source events feeds two parse_json nodes, expected one; records of each: items are for a "
                        + "topology of its own, beside that of whole documents: it may read the same messages")
            }, "\(found)")
        let twice = Self.lines(Self.parsed + "  e2: { file: a.ndjson }\n")
        #expect(
            twice.contains { $0.hasSuffix("where their records differ (each:), use a topology of its own") }, "\(twice)"
        )
    }

    /// What is wrong behind a source is said in the same run as what is wrong with the source.
    @Test func aBrokenSourceHidesNothingBehindIt() {
        let found = Self.lines(
            """
              e: { kafka: { brokers: a, topics: [t], start: noon } }
              r: { from: e, parse_json: { fields: { k: text } } }
              s: { from: e, parse_json: { fields: { k: text } } }
              f: { from: s, filter: "n > 1" }
              out: { from: f, console: {} }

            """
        ).filter { $0.contains("error") }
        for code in ["kafka-start", "second-parser", "unknown-field", "misplaced-node"] {
            #expect(found.count { $0.contains("error[\(code)]") } == 1, "\(code): \(found)")
        }
        #expect(found.count == 4, "\(found)")
    }

    @Test(arguments: [
        ("'bad topic!'", "a topic cannot be called 'bad topic!', expected letters, digits, '.', '_' and '-'"),
        (
            "'a,b'",
            "a topic cannot be called 'a,b', expected letters, digits, '.', '_' and '-'; topics are a list: [a, b]"
        ),
        (
            "'a.*'",
            "a topic cannot be called 'a.*', expected letters, digits, '.', '_' and '-'; regular expressions are not supported: list the topics"
        ),
        (
            "'^game'",
            "a topic cannot be called '^game', expected letters, digits, '.', '_' and '-'; regular expressions are not supported: list the topics"
        ),
        ("'..'", "a topic cannot be called '..'"),
        ("\(String(repeating: "x", count: 250))", "a topic's name is too long, found 250 bytes, expected at most 249"),
        ("[a, a]", "topic a is in the list twice; remove one"),
        ("[]", "topics is an empty list, expected the topics to read; for example [game.events]"),
    ])
    func aTopicThatCannotBeIsRefused(topics: String, expected: String) {
        let found = Self.lines(Self.parsed + "  e: { kafka: { brokers: a, topics: \(topics) } }\n").filter {
            $0.contains("error")
        }
        #expect(found.count == 1 && found[0].hasSuffix("error[kafka-topics]: " + expected), "\(found)")
    }

    @Test func twoNodesThatReadOneTopicAreRefusedWhateverTheirBrokers() {
        let found = Self.lines(
            Self.parsed
                + "  e: { kafka: { brokers: a, topics: [t, u] } }\n  f: { kafka: { brokers: b, topics: [v, u] } }\n"
        ).filter { $0.contains("error") }
        #expect(
            found == [
                "t.yaml:8:41: error[read-twice]: u is read by e and by f, expected one source for it; let several nodes read from one source; where their records differ (each:), use a topology of its own"
            ])
    }

    @Test func missingBrokersAreSaidOnce() {
        let found = Self.lines(Self.parsed + "  e: { kafka: { topics: a } }\n").filter { $0.contains("error") }
        #expect(found.map { $0.contains("error[missing-field]: 'kafka' lacks 'brokers'") } == [true], "\(found)")
    }

    @Test func aParserWithoutFieldsIsOneError() {
        let found = Self.lines(
            "  e: { file: a }\n  p: { from: e, parse_json: { fields: {} } }\n"
                + "  k: { from: p, summarize: { by: [x], metrics: { n: sum(y) } } }\n  c: { from: k, console: {} }\n")
        #expect(
            found == [
                "t.yaml:4:39: error[no-fields]: node p declares no fields; without fields there is nothing to count by"
            ])
    }

    @Test(arguments: [
        (
            "items[0].x", "holds 'items[0]', which is no key",
            "with each: items every element is a record, and the path is x; a key of that name stands in backquotes"
        ),
        ("/a/b", "holds a slash, which is no key", "write a.b; a key that holds such a character stands in backquotes"),
        ("$.a.b", "holds '$', which is no key", "write a.b; a key that holds such a character stands in backquotes"),
        (
            "a->>'b'", "holds 'a->>'b'', which is no key",
            "write a.b; a key that holds such a character stands in backquotes"
        ),
        (
            "a.0.b", "holds the number 0",
            "with each: a every element is a record, and the path is b; a key of that name stands in backquotes"
        ),
        (
            "a.*.b", "holds '*', which is no key",
            "with each: a every element is a record, and the path is b; a key of that name stands in backquotes"
        ),
        ("a.`b", "has a backquote without an end", "for example payload.`user.id`"),
        ("`a`b", "goes on behind a backquote without a dot", "for example `a.b`.c"),
    ])
    func aPathThatCanNeverMatchIsRefused(path: String, what: String, hint: String) {
        let found = Self.lines(
            "  e: { file: a }\n  p: { from: e, parse_json: { fields: { k: { type: text, path: \"\(path)\" } } } }\n"
                + "  k: { from: p, summarize: { by: [k], metrics: { n: count() } } }\n  c: { from: k, console: {} }\n")
        #expect(
            found == [
                "t.yaml:4:65: error[field-path]: the path of k \(what), found \"\(path)\", expected keys joined by dots; \(hint)"
            ])
    }

    @Test(arguments: ["a..b", ".a", "a.", "a.``"])
    func aPathWithAnEmptyPartIsRefused(path: String) {
        let found = Self.lines(
            "  e: { file: a }\n  p: { from: e, parse_json: { fields: { k: { type: text, path: \"\(path)\" } } } }\n"
                + "  k: { from: p, summarize: { by: [k], metrics: { n: count() } } }\n  c: { from: k, console: {} }\n")
        #expect(found.map { $0.contains("error[field-path]: the path of k has an empty part") } == [true], "\(found)")
    }
}

/// How topology files are read.
@Suite struct TopologyFilesTests {
    private static let text = """
        topology: t
        nodes:
          events: { file: a.ndjson }
          records: { from: events, parse_json: { fields: { k: text } } }
          kpi: { from: records, summarize: { by: [k], metrics: { n: count() } } }
          show: { from: kpi, console: {} }
        """

    private func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test func aPipeIsAFile() throws {
        try inFolder { folder in
            let path = folder.appending(path: "pipe").path
            try #require(unsafe mkfifo(path, 0o600) == 0)
            // Each side waits until the other has opened the pipe.
            let writer = Thread {
                try? FileHandle(forWritingTo: URL(filePath: path)).write(contentsOf: Data(Self.text.utf8))
            }
            writer.start()
            let (topology, diagnostics) = TopologyLoader(environment: [:]).load(path)
            #expect(topology?.name == "t", "\(diagnostics)")
        }
    }

    @Test func whatCannotBeReadIsNamedWithTheReason() throws {
        try inFolder { folder in
            let loader = TopologyLoader(environment: [:])
            #expect(
                "\(loader.load(folder.path).diagnostics)"
                    == "\(folder.path):1:1: error[file]: the file cannot be read: "
                    + "it is a directory; give the files in it, such as \(folder.path)/*.yaml")
            let missing = folder.appending(path: "no.yaml").path
            #expect(
                "\(loader.load(missing).diagnostics)"
                    == "\(missing):1:1: error[file]: the file cannot be read: there is no such file")
            #expect("\(loader.load("no/such.yaml").diagnostics)".contains("there is no such file; looked for it in /"))
        }
    }

    @Test func aByteThatIsNotUTF8HasAPlace() throws {
        try inFolder { folder in
            let path = folder.appending(path: "t.yaml")
            try (Data("topology: t\nnodes: {} # caf".utf8) + Data([0xE9])).write(to: path)
            let found = TopologyLoader(environment: [:]).load(path.path).diagnostics
            #expect("\(found)".hasPrefix("\(path.path):2:16: error[not-utf8]: "), "\(found)")
        }
    }

    @Test func aFileWithoutEndIsTooLarge() {
        let found = TopologyLoader(environment: [:]).load("/dev/zero").diagnostics
        #expect(found.all.map(\.code) == ["too-large"])
    }

    @Test func oneNameForTwoTopologiesIsRefused() throws {
        try inFolder { folder in
            let paths = ["a.yaml", "b.yaml"].map { folder.appending(path: $0).path }
            for path in paths { try Self.text.write(toFile: path, atomically: true, encoding: .utf8) }
            let found = TopologyLoader(environment: [:]).load(paths, together: true)
            #expect(found.map { $0.topology == nil } == [false, true])
            #expect(
                "\(found[1].diagnostics)"
                    == "\(paths[1]):1:1: error[topology-twice]: two files declare topology t, found it in "
                    + "\(paths[0]) too; give each a name of its own")
            let apart = TopologyLoader(environment: [:]).load(paths, together: false)
            #expect(
                apart.map { $0.topology == nil } == [false, false], "two files of one topology may be checked together")
        }
    }

    @Test func standardInputIsReadForOneThing() throws {
        try inFolder { folder in
            let paths = ["a.yaml", "b.yaml"].map { folder.appending(path: $0).path }
            for (path, name) in zip(paths, ["t", "u"]) {
                try Self.text.replacing("topology: t", with: "topology: " + name).replacing("a.ndjson", with: "\"-\"")
                    .write(toFile: path, atomically: true, encoding: .utf8)
            }
            let found = TopologyLoader(environment: [:]).load(paths, together: true)
            #expect(found.map { $0.topology == nil } == [false, true])
            #expect(
                "\(found[1].diagnostics)"
                    == "\(paths[1]):1:1: error[stdin-twice]: topology u reads events from standard "
                    + "input, which is read for the events of topology t already; give the file of one of them a path")
        }
    }
}

@Suite struct CommandWordTests {
    @Test(arguments: [
        ("chek", "millrace: there is no command 'chek'; did you mean 'check'?"),
        ("t.yaml", "millrace: there is no command 't.yaml'; to run a topology: millrace run t.yaml"),
        (
            "xyzzyx",
            "millrace: there is no command 'xyzzyx'; expected one of help, run, check, try, explain, sql, dashboard, serve, deploy, "
                + "plan, apply, rebuild, diff, promote, list, status, top, tap, why, logs, pause, resume, restart, scale, rollback, rename, reset, "
                + "remove, dead-letters, metrics, import-crontab, demo, generate, produce, broker, version"
        ),
    ])
    func aWordThatIsNoCommandIsExplained(word: String, expected: String) {
        #expect(
            MillraceCommand.complaint(about: word)
                == expected + "\nUsage: millrace <command>; millrace --help lists them")
    }

    @Test(arguments: ["check", "run", "help", "reference", "--help", "-h", "--version"])
    func commandsAndOptionsAreLeftAlone(word: String) {
        #expect(MillraceCommand.complaint(about: word) == nil)
    }

    @Test(arguments: [("1s", 1_000), ("250ms", 250), ("1500", 1_500), ("1m", 60_000)])
    func lengthsOfTimeAreReadAsInFiles(text: String, milliseconds: Int) {
        #expect(TimeLength(argument: text)?.duration == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "x", "1.5s", "1 s", "-1s", "1w"])
    func otherLengthsOfTimeAreRefused(text: String) {
        #expect(TimeLength(argument: text) == nil)
    }

    @Test func sizesAreReadAsInFiles() {
        #expect(ByteSize(argument: "64MiB")?.bytes == 64 << 20)
        #expect(ByteSize(argument: "1TiB")?.bytes == 1 << 40)
        #expect(ByteSize(argument: "64MB") == nil && ByteSize(argument: "0") == nil)
    }
}
