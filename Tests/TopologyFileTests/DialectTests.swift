import Dataflow
import Declaration
import Testing
import TopologyFile

/// Where the dialects of YAML, and habits from elsewhere, disagree about a value: it is refused with what to write.
@Suite struct DialectTests {
    private static func problems(_ line: String) -> [String] {
        let text =
            "topology: x\nmemory: 64MiB\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  p:\n    from: s\n"
            + "    parse_json: { fields: { f: { type: text, required: true } }, depth_max: 5 }\n"
        let key = line.prefix { $0 != ":" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).map { old in
            old.hasPrefix(key + ":")
                ? line : old.replacing("\(key): 5", with: line).replacing("\(key): true", with: line)
        }
        return SampleSpecs.lines(lines.joined(separator: "\n")).filter { $0.contains("error") }
    }

    @Test(arguments: [
        ("depth_max: 010", "write 10; with a leading zero it is another number to some"),
        ("depth_max: 1_0", "write 10"),
        ("depth_max: 0x10", "write 16"), ("depth_max: 0o10", "write 8"), ("depth_max: 1e1", "write 10"),
        ("depth_max: 10.0", "write 10"), ("depth_max: +10", "write 10"), ("depth_max: \"10\"", "remove the quotes"),
        ("required: yes", "write true"), ("required: On", "write true"), ("required: y", "write true"),
        ("required: no", "write false"), ("required: \"true\"", "remove the quotes"),
        ("memory: 64MB", "write 64MiB"), ("memory: 64M", "write 64MiB"), ("memory: 1g", "write 1GiB"),
        ("memory: 67_108_864", "write 67108864"),
    ])
    func numbersAndTruthValuesAreNotGuessed(line: String, advice: String) {
        let found = Self.problems(line)
        #expect(found.count == 1 && found[0].contains("error[wrong-type]") && found[0].hasSuffix(advice), "\(found)")
    }

    @Test(arguments: [
        ("1w", "there is no unit for weeks: write 7d"), ("2 weeks", "there is no unit for weeks: write 14d"),
        ("1M", "minutes are m: 1m; a window of a calendar month is 1 month"), ("1 month", "months are not available"),
        ("1y", "years are not available; the longest is 366d"), ("15min", "write 15m"), ("1h30m", "write 90m"),
        ("1.5h", "write 90m"), ("PT1H", "write 1h"), ("P1D", "write 1d"), ("1 day", "write 1d"),
        ("10 secs", "write 10s"),
        ("1:30", "write it with a unit: 90s for minutes and seconds, 90m for hours and minutes"),
        ("60", "add a unit: ms, s, m, h or d"),
    ])
    func lengthsOfTimeInOtherSpellingsGetTheirOwn(value: String, advice: String) {
        let text = "topology: x\ncommit_interval: \(value)\nnodes: { s: { kafka: { brokers: a, topics: b } } }\n"
        let found = SampleSpecs.lines(text).filter { $0.contains("error") }
        #expect(
            found.count == 1 && found[0].contains("error[wrong-type]") && found[0].hasSuffix("; " + advice), "\(found)")
    }

    @Test func theExampleOfALengthOfTimeIsInItsRange() {
        let text =
            "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  k:\n    from: s\n"
            + "    summarize: { window: 500ms, metrics: { n: count() } }\n"
        #expect(
            SampleSpecs.lines(text).contains(
                "t.yaml:6:26: error[out-of-range]: 'window' is out of range, found '500ms', expected a length of time such as "
                    + "1m, 1h or 7d from 1s to 7d"))
    }

    @Test func textIsTakenAsItIsWrittenWhereTextIsMeant() throws {
        let text = """
            topology: on
            nodes:
              no: { kafka: { brokers: 010, topics: [yes, 1e3, 1_000, 1:30, 0x10, true] } }
            """
        let declaration = try #require(SampleSpecs.read(text).0, "\(SampleSpecs.lines(text))")
        #expect(declaration.name == "on" && declaration.nodes[0].name == "no")
        #expect(declaration.nodes[0].config["brokers"]?.string == "010")
        #expect(
            declaration.nodes[0].config["topics"]?.list?.map(\.string) == [
                "yes", "1e3", "1_000", "1:30", "0x10", "true",
            ])
    }

    @Test(arguments: [
        (
            "{ v: percentiles(v, 5, 50) }",
            "'v' is cut off: inside { } and [ ] a comma ends a value; put it in quotes: \"percentiles(v, 5, 50)\", or write one entry a line"
        ),
        (
            "{ u: uniques(k, precision: precise), n: count() }",
            "'u' is cut off: inside { } and [ ] a comma ends a value; put it in quotes: \"uniques(k, precision: precise)\", or write one entry a line"
        ),
        (
            "{ p: { metric: percentiles(v, 5), where: x } }",
            "'metric' is cut off: inside { } and [ ] a comma ends a value; put it in quotes: \"percentiles(v, 5)\", or write one entry a line"
        ),
    ])
    func aCallThatACommaCutsIsOneError(metrics: String, expected: String) {
        let text =
            "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  k:\n    from: s\n    summarize:\n      metrics: \(metrics)\n"
        let found = SampleSpecs.lines(text).filter { $0.contains("error") }
        #expect(found.count == 1 && found[0].hasSuffix("error[flow-comma]: " + expected), "\(found)")
    }

    @Test func aCallThatACommaCutsInAListIsOneError() {
        let text = "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: [f(a, b), c, g(d, e: f)] } }\n"
        let found = SampleSpecs.lines(text).filter { $0.contains("error") }
        #expect(
            found.map { $0.contains("error[flow-comma]: an element of 'topics' is cut off") } == [true, true],
            "\(found)")
    }

    @Test(arguments: [
        (
            "  k: { from: s, summarize: { metrics: { n: count() }, by: #name } }\n",
            "4:59: error[yaml-syntax]: the YAML is malformed: a comment begins inside { } or [ ] and ends it too early; put a value that begins with # in quotes"
        ),
        (
            "  k:\n    from: s\n    summarize:\n      metrics:\n        u: uniques(k, precision: precise)\n",
            "8:32: error[yaml-syntax]: the YAML is malformed: mapping values are not allowed in this context; put the value in quotes: u: \"uniques(k, precision: precise)\""
        ),
        (
            "  k:\n    from: s\n    filter: !a && b\n",
            "put a value that begins with !, & or * in quotes"
        ),
        (
            "  k: { from: s, filter: a in ['x', 'y'] }\n",
            "put a value that holds any of , : [ ] { } in quotes inside { } and [ ]"
        ),
    ])
    func syntaxErrorsSayWhatToQuote(node: String, expected: String) {
        let found = SampleSpecs.lines("topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n" + node)
        #expect(found.count == 1 && found[0].hasSuffix(expected), "\(found)")
    }

    @Test func aCommentInsideAFlowMapIsSeen() {
        let node = "  k: { from: s, summarize: { metrics: { n: count() }, by: #name\n } }\n"
        let found = SampleSpecs.lines("topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n" + node)
        #expect(
            found.contains {
                $0.contains("4:59: error[no-value]: 'by' has no value") && $0.contains("'#name' is a comment")
            }, "\(found)")
    }

    @Test func whatCannotBeSeenIsShownByItsCode() {
        let found = SampleSpecs.lines("topology: kpi\u{200B}s\nnodes: { s: { kafka: { brokers: a, topics: b } } }\n")
        #expect(found[0].contains("found 'kpiU+200Bs'"), "\(found)")
    }
}
