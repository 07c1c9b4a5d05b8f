import Dataflow
import Declaration
import Testing
import TopologyFile

/// A key whose value YAML reads as nothing, or as a part of what was written, is an error wherever it stands.
@Suite struct AbsentValuesTests {
    /// The diagnostics of a file whose `line` stands in each of the places a value can stand in.
    private static let places: [(name: String, text: @Sendable (String) -> String)] = [
        ("topology", { "topology: \($0)\nnodes: { s: { kafka: { brokers: a, topics: b } } }\n" }),
        ("memory", { "topology: x\nmemory: \($0)\nnodes: { s: { kafka: { brokers: a, topics: b } } }\n" }),
        ("nodes", { "topology: x\nnodes: \($0)\n" }),
        ("a node", { "topology: x\nnodes:\n  s: \($0)\n" }),
        ("a node's type", { "topology: x\nnodes:\n  s:\n    kafka: \($0)\n" }),
        (
            "from",
            { "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  f:\n    filter: a\n    from: \($0)\n" }
        ),
        (
            "concurrency",
            {
                "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  f:\n    from: s\n    filter: a\n    concurrency: \($0)\n"
            }
        ),
        ("a required field", { "topology: x\nnodes:\n  s:\n    kafka:\n      topics: b\n      brokers: \($0)\n" }),
        (
            "a field with a default",
            { "topology: x\nnodes:\n  s:\n    kafka:\n      topics: b\n      brokers: a\n      start: \($0)\n" }
        ),
        (
            "an optional secret",
            { "topology: x\nnodes:\n  s:\n    kafka:\n      topics: b\n      brokers: a\n      password: \($0)\n" }
        ),
        ("a list", { "topology: x\nnodes:\n  s:\n    kafka:\n      brokers: a\n      topics: \($0)\n" }),
        (
            "an element",
            { "topology: x\nnodes:\n  s:\n    kafka:\n      brokers: a\n      topics:\n      - a\n      - \($0)\n" }
        ),
        (
            "a setting in a map",
            {
                "topology: x\nnodes:\n  s:\n    kafka:\n      brokers: a\n      topics: b\n      settings:\n        k: \($0)\n"
            }
        ),
        (
            "a shorthand",
            { "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  f:\n    from: s\n    filter: \($0)\n" }
        ),
        (
            "an entry of a map",
            {
                "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  p:\n    from: s\n    parse_json:\n      fields:\n        f: \($0)\n"
            }
        ),
        (
            "a field inside a map",
            {
                "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: b } }\n  p:\n    from: s\n    parse_json:\n      fields:\n        f:\n          type: text\n          path: \($0)\n"
            }
        ),
    ]

    @Test(arguments: [
        "", "~", "null", "NULL", "!!null ''", "#name", "# a comment", "!name", "!name x", "${NONE:-}", "${EMPTY}",
    ])
    func nothingWhereAValueShouldStandIsOneErrorEverywhere(value: String) {
        for place in Self.places {
            let found = SampleSpecs.read(place.text(value), environment: ["EMPTY": ""]).1.all
            let errors = found.filter { $0.severity == .error }
            let codes = value.hasPrefix("!name") ? ["unknown-tag"] : ["no-value"]
            // `settings` go to a library, to which an empty text is a value.
            if place.name == "a setting in a map", value.hasPrefix("${") || value.hasSuffix("''") {
                #expect(errors.isEmpty, "\(place.name): \(errors)")
                continue
            }
            #expect(errors.map(\.code) == codes, "\(place.name), \(value): \(errors.map(\.description))")
        }
    }

    @Test(arguments: [
        ("window: ", "no-value]: 'window' has no value, expected a length of time"),
        (
            "by: [a, ~]",
            "no-value]: an element of 'by' is ~, which is no value in YAML, expected the name of a field; remove it, or write \"~\" in quotes for the word"
        ),
        (
            "window: null",
            "no-value]: 'window' is null, which is no value in YAML, expected a length of time such as 1m, 1h or 7d from 1s to 7d; remove the key"
        ),
        (
            "window: ${W:-}",
            "no-value]: 'window' is empty, expected a length of time such as 1m, 1h or 7d from 1s to 7d; the variable W is empty: set it, or remove the key"
        ),
        (
            "by: #name",
            "no-value]: 'by' has no value, expected a list of: the name of a field; '#name' is a comment: put it in quotes if it is the value"
        ),
        (
            "by: !bot or \"x\"",
            "unknown-tag]: 'by' begins with a YAML tag, found '!bot or \"x\"', expected a list of: the name of a field; put it in quotes: \"!bot or \\\"x\\\"\""
        ),
    ])
    func whatWasMeantIsSaid(line: String, expected: String) {
        let text = """
            topology: x
            nodes:
              s: { kafka: { brokers: a, topics: b } }
              k:
                from: s
                summarize:
                  metrics: { n: count() }
                  \(line)
            """
        #expect(
            SampleSpecs.lines(text).filter { $0.contains("error") }.map { $0.contains(expected) } == [true],
            "\(SampleSpecs.lines(text))")
    }

    @Test func theWordNullIsAValueWhereItIsOneOfTheWords() throws {
        func field(_ value: String) -> (word: String?, problems: [String]) {
            let text = """
                topology: x
                nodes:
                  s: { kafka: { brokers: a, topics: b } }
                  p: { from: s, parse_json: { fields: { f: { type: text, on_type_error: \(value) } } } }
                """
            let (declaration, found) = SampleSpecs.read(text)
            return (
                declaration?.nodes[1].config["fields"]?["f"]?["on_type_error"]?.string,
                found.all.filter { $0.severity == .error }.map(\.description)
            )
        }
        #expect(field("null").word == "null")
        #expect(field("\"null\"").word == "null")
        #expect(field("~").problems.map { $0.hasSuffix("expected dead_letter | null; write null") } == [true])
        #expect(field("").problems.map { $0.contains("error[no-value]") } == [true])
    }

    @Test func secretsAreNotShownWhatEverYAMLMakesOfThem() {
        for value in ["!canary-1f3a", "!canary-1f3a x", "#canary-1f3a", "{ a: canary-1f3a(x, y) }"] {
            let text =
                "topology: x\nnodes:\n  s:\n    kafka:\n      brokers: a\n      topics: b\n      password: \(value)\n"
            let found = SampleSpecs.lines(text)
            #expect(found.contains { $0.contains("error") }, "\(value)")
            #expect(!found.contains { $0.contains("canary") }, "\(found)")
        }
    }

    @Test func aNodeOfOptionalFieldsSaysHowToWriteIt() {
        let text = SampleSpecs.whole + "  show:\n    from: records\n    console:\n"
        #expect(
            SampleSpecs.lines(text).last
                == "t.yaml:13:13: error[no-value]: 'console' has no value, expected a map with max_rows; write console: {}"
        )
    }

    @Test func tagsBeforeListsMapsAndKeysAreRefused() {
        for text in ["topics: !x [a]", "settings: !x { a: b }", "!x start: earliest"] {
            let lines = SampleSpecs.lines(
                "topology: x\nnodes:\n  s:\n    kafka:\n      brokers: a\n      topics: b\n      \(text)\n")
            #expect(
                lines.contains { $0.contains("error[unknown-tag]") || $0.contains("error[bad-key]") },
                "\(text): \(lines)")
        }
        let known = "topology: !!str x\nnodes: !!map { s: { kafka: { brokers: ! 5, topics: !!seq [!!str a] } } }\n"
        #expect(SampleSpecs.read(known).0 != nil, "\(SampleSpecs.lines(known))")
    }
}
