import Dataflow
import Declaration
import Testing
import TopologyFile

@Suite struct EnvironmentTests {
    private let canary = "canary-1f3a"

    private func read(_ value: String, _ environment: [String: String]) -> (text: String?, diagnostics: [String]) {
        let text = "topology: x\nnodes:\n  s: { kafka: { topics: t, brokers: \(value) } }\n"
        let (declaration, found) = SampleSpecs.read(text, environment: environment)
        return (
            declaration?.nodes[0].config["brokers"]?.string,
            found.all.filter { $0.severity == .error }.map(\.description)
        )
    }

    @Test(arguments: [
        ("\"${A}\"", "one"), ("'x${A}y${A}'", "xoneyone"), ("\"$${A}\"", "${A}"), ("$A", "$A"),
        ("\"${B:-two}\"", "two"), ("\"${EMPTY:-two}\"", "two"), ("\"${A:-two}\"", "one"),
        ("\"a $ {b}\"", "a $ {b}"), ("\"${YAML}\"", "{a: [1]} # x"),
    ])
    func variablesAreReplaced(value: String, expected: String) {
        let found = read(value, ["A": "one", "EMPTY": "", "YAML": "{a: [1]} # x"])
        #expect(found.text == expected)
        #expect(found.diagnostics == [])
    }

    @Test func aPlainVariableWorksInABlockAndGetsAHintInAFlowMap() throws {
        let text = "topology: x\nnodes:\n  s:\n    kafka:\n      topics: t\n      brokers: ${A}\n"
        let declaration = try #require(SampleSpecs.read(text, environment: ["A": "one"]).0)
        #expect(declaration.nodes[0].config["brokers"]?.string == "one")
        #expect(
            read("${A}", ["A": "one"]).diagnostics.map { $0.hasSuffix("put ${NAME} in quotes inside { } and [ ]") } == [
                true
            ])
    }

    @Test func missingVariablesAreNamedWhereTheyStand() {
        let found = read("\"x${ONE}-${TWO}\"", [:])
        #expect(
            found.diagnostics == [
                "t.yaml:3:39: error[missing-variable]: the environment variable ONE is not set; set it, or give a default: ${ONE:-value}",
                "t.yaml:3:46: error[missing-variable]: the environment variable TWO is not set; set it, or give a default: ${TWO:-value}",
            ])
    }

    @Test(arguments: [
        "\"${A\"", "\"${}\"", "\"${1A}\"", "\"${A-b}\"", "\"${A:?no}\"", "\"${NONE:-${A}}\"",
    ])
    func malformedVariablesAreRefused(value: String) {
        #expect(read(value, ["A": "one"]).diagnostics.map { $0.contains("error[bad-variable]") } == [true])
    }

    @Test(arguments: ["\"${EMPTY}\"", "\"${NONE:-}\"", "\"${EMPTY}${NONE:-}\""])
    func variablesThatStandForNothingAreNoValue(value: String) {
        let found = read(value, ["EMPTY": ""])
        #expect(found.text == nil)
        #expect(
            found.diagnostics.map { $0.contains("error[no-value]: 'brokers' is empty, expected text; the variable") }
                == [true])
    }

    @Test func theDefaultOfAVariableHoldsNoOther() {
        #expect(
            read("\"${NONE:-${A}}\"", ["A": "one"]).diagnostics == [
                "t.yaml:3:38: error[bad-variable]: the default of a variable holds another variable, which would not be "
                    + "replaced; write ${NONE}, and give it its value outside"
            ])
    }

    @Test func aVariableOfAShellIsAWarning() {
        let text = "topology: x\nnodes:\n  s: { kafka: { topics: t, brokers: $KAFKA_BROKERS } }\n"
        let (declaration, found) = SampleSpecs.read(text)
        #expect(declaration?.nodes[0].config["brokers"]?.string == "$KAFKA_BROKERS")
        #expect(
            found.all.first { $0.code == "shell-variable" }?.description
                == "t.yaml:3:37: warning[shell-variable]: a value of the form $NAME is taken as it stands, expected ${NAME} "
                + "for a variable; write ${NAME}, or $${ for a literal ${")
    }

    @Test func aMissingVariableIsSaidOncePerValueHoweverOftenItStands() {
        let found = read("\"" + String(repeating: "${NONE}", count: 100_000) + "\"", [:])
        #expect(found.diagnostics.count == 1)
    }

    @Test func aHundredThousandVariablesAreReadInLinearTime() {
        let found = read("\"" + String(repeating: "${A}", count: 100_000) + "\"", ["A": "x"])
        #expect(found.text?.utf8.count == 100_000)
    }

    @Test func whatVariablesExpandToIsBounded() {
        // 100 of 64 KiB: more than 4 MiB, in one value and over several.
        let long = ["A": String(repeating: "x", count: 64 << 10)]
        let one = read("\"" + String(repeating: "${A}", count: 100) + "\"", long)
        #expect(one.diagnostics.map { $0.contains("error[too-large]") } == [true])
        let several = read(
            "\"x\", settings: { " + (0..<100).map { "k\($0): \"${A}\"" }.joined(separator: ", ") + " }", long)
        #expect(several.diagnostics.map { $0.contains("error[too-large]") } == [true], "said once")
    }

    @Test func variablesMayHoldNumbers() throws {
        let text = SampleSpecs.whole + "  f:\n    from: records\n    filter: a\n    concurrency: \"${WORKERS}\"\n"
        let environment = ["DATABASE_URL": "u", "WORKERS": "3"]
        let declaration = try #require(SampleSpecs.read(text, environment: environment).0)
        #expect(declaration.nodes.first { $0.name == "f" }?.concurrency == 3)
    }

    @Test func valuesFromTheEnvironmentAreNeverShown() {
        let text = """
            topology: "${CANARY}"
            memory: "${CANARY}"
            commit_interval: ${CANARY}
            nodes:
              events:
                kafka: { brokers: a, topics: [{ x: "${CANARY}" }], start: "${CANARY}", password: ["${CANARY}"] }
              records:
                from: ${CANARY}
                parse_json: "${CANARY}"
                concurrency: "${CANARY}"
              more:
                from: [ "${CANARY}" ]
                parse_json: { fields: "${CANARY}", depth_max: "${CANARY}" }
              last: ${CANARY}
              rows:
                from: more
                postgres: { url: { a: "${CANARY}" }, table: [ "${CANARY}" ] }
            """
        let found = SampleSpecs.read(text, environment: ["CANARY": canary]).1
        #expect(found.all.count >= 12)
        #expect(!found.description.contains(canary))
        #expect(!found.all.contains { $0.description.contains(canary) })
        // The canary itself: without the environment the same values are shown.
        #expect(
            SampleSpecs.lines(text.split(separator: "${CANARY}").joined(separator: canary)).contains {
                $0.contains(canary)
            })
    }

    @Test func textInPlaceOfSecretsIsNeverShown() {
        for wrong in [
            "postgres: \(canary)", "postgres: [\(canary)]", "postgres: { url: [\(canary)], table: t }",
            "postgres: { url: { \(canary): 1 } }",
        ] {
            let found = SampleSpecs.read(
                "topology: x\nnodes:\n  s: { kafka: { brokers: a, topics: t } }\n  r: { from: s, \(wrong) }\n"
            ).1
            #expect(found.hasErrors)
            #expect(!found.description.contains(canary), "\(wrong)")
        }
    }
}
