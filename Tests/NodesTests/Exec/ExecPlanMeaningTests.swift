import Dataflow
import Declaration
import JSON
import Testing

@testable import Nodes

/// What a table remembers of the program behind its rows.
@Suite struct ExecPlanMeaningTests {
    private static func lines(_ fields: [(String, FieldDeclaration)], using used: Set<String>) -> [String] {
        let plan = ExecPlan(
            node: "x", command: ["/opt/score", "-q"], name: "score", environment: [:],
            sent: [RecordSchema.Field(name: "k", type: .text, column: 0)],
            fields: fields.enumerated().map { index, field in
                ExecPlan.Field(
                    name: field.0, column: index + 1, declaration: field.1,
                    typeName: field.1.type == .text ? "text" : "double")
            },
            echo: nil, mode: .stream, timeout: .seconds(1), startup: .seconds(1), attempts: 2, memoryMax: nil)
        var meaning = EventMeaning()
        meaning.usedFields = used
        plan.trace(&meaning)
        return meaning.lines.map { "\($0.key): \($0.value)" }
    }

    /// Tables remember these: another spelling of the same stops every topology that is there.
    @Test func whatIsAsUsualIsNotSaid() {
        #expect(
            Self.lines([("s", FieldDeclaration(path: ["s"], type: .double))], using: ["s"]) == [
                #"field s: is s (double) answered by ["score", "-q"] of k"#,
                #"only if: there is an answer of ["score", "-q"] of k"#,
            ])
    }

    /// What makes dead letters, or null of a value, is part of what the rows mean.
    @Test func whatDecidesIsSaid() {
        let found = Self.lines(
            [
                ("a", FieldDeclaration(path: ["a"], type: .text, isRequired: true, textLengthMax: 1)),
                ("b", FieldDeclaration(path: ["b"], type: .double, onTypeError: .null)),
                ("unread", FieldDeclaration(path: ["unread"], type: .double)),
                ("harmless", FieldDeclaration(path: ["harmless"], type: .double, onTypeError: .null)),
            ], using: ["a", "b"])
        #expect(
            found.dropLast() == [
                #"field a: is a (text, at most 1 bytes, required) answered by ["score", "-q"] of k"#,
                #"field b: is b (double, anything else is null) answered by ["score", "-q"] of k"#,
                #"field unread: is unread (double) answered by ["score", "-q"] of k"#,
            ])
    }
}
