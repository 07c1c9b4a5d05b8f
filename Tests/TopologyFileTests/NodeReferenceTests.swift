import Dataflow
import Declaration
import Platform
import Testing
import TopologyFile

@Suite struct NodeReferenceTests {
    private let page = NodeReference(specs: SampleSpecs.specs, settings: SampleSpecs.settings).markdown

    @Test func pageHasSectionsTablesAndExamples() {
        let section = """
            ### `filter`

            Keeps the records for which a condition is true.

            | field | type | default | meaning |
            | --- | --- | --- | --- |
            | `where` | filter expression | required | The condition. Example: `revenue > 0`. |

            A bare value stands for `where`: `filter: VALUE` means `filter: { where: VALUE }`.

            ```yaml
            paying:
              from: records
              filter: revenue > 0
            ```

            """
        #expect(page.contains(section))
        #expect(page.contains("| `memory` | size from 64MiB to 1TiB | `512MiB` | Memory budget. Example: `1GiB`. |"))
        #expect(page.contains("| `fields.NAME.path` | text |  | Path in the document. |"))
        #expect(page.contains("\n## Sources\n") && page.contains("\n## Operators\n") && page.contains("\n## Sinks\n"))
    }

    @Test func samePageForSameSpecs() {
        #expect(page == NodeReference(specs: SampleSpecs.specs, settings: SampleSpecs.settings).markdown)
    }
}

@Suite struct SpecAuditTests {
    @Test func sampleSpecsAreSound() {
        #expect(SpecAudit.problems(in: SampleSpecs.specs, settings: SampleSpecs.settings) == [])
    }

    @Test func mistakesInSpecsAreFound() {
        let spec = NodeSpec(
            name: "bad", kind: .source, summary: "Bad.",
            fields: [
                FieldSpec("a", .integer(1...5), "A.", default: "9"), FieldSpec("a", .string, "A.", example: "[x]"),
                FieldSpec("b", .object([FieldSpec("c", .boolean, "C.", required: true, default: "true")]), "B."),
            ],
            shorthand: "z", example: "")
        let problems = SpecAudit.problems(in: [spec, spec])
        for part in ["declared twice", "default of 'a'", "example of 'a'", "shorthand 'z'", "required field 'c'"] {
            #expect(problems.contains { $0.contains(part) }, "\(part)")
        }
    }

    @Test(arguments: ["x: { bad: { q: 1 } }", "- bad", "x: { other: {} }", ""])
    func examplesThatDoNotReadAreFound(example: String) {
        let spec = NodeSpec(name: "bad", kind: .source, summary: "Bad.", fields: [], example: example)
        #expect(SpecAudit.problems(in: [spec]).count == 1)
    }
}

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("brokrs", "brokers"), ("Brokers", "brokers"), ("commit-interval", "commit_interval"), ("tpoics", "topics"),
        ("xyz", nil), ("", nil), ("a", nil),
    ])
    func onlyNearWordsAreSuggested(word: String, expected: String?) {
        #expect(Suggestion.nearest(to: word, in: ["brokers", "topics", "commit_interval", "b"]) == expected)
    }
}
