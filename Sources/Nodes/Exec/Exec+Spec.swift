import Dataflow
package import Declaration
import JSON

extension Exec: NodeType {
    /// The declaration of `exec`.
    package static let spec = NodeSpec(
        name: "exec", kind: .operator,
        summary:
            "Adds fields that a program of yours answers: it gets each record as a line of JSON on standard input, and writes a "
            + "line of JSON for each line, in the same order; `null` for a record that is to go no further. `concurrency:` "
            + "is how many of it run at once, 1 unless given; `cluster_concurrency:` how many in all processes together.",
        fields: programFields + recordFields + limitFields,
        example: """
            scored:
              from: records
              exec:
                command: [python3, -u, score.py]
                send: [user, revenue]
                add: { score: double, segment: text }
                timeout: 5s
                memory: 256MiB
              concurrency: 4

            named:
              from: scored
              exec:
                command: [jq, -c, "{shop: (.user | split(\\"@\\")[1])}"]
                mode: batch
                add: { shop: text }
            """)

    private static let programFields = [
        FieldSpec(
            "command", .list(.string),
            "The program, a path or a name in PATH, and its arguments. One text with spaces is a line for `/bin/sh`. Arguments "
                + "are seen by all users of the machine, so none of it may come from `${NAME}`; use `env`.",
            required: true, example: "[python3, -u, score.py]"),
        FieldSpec(
            "env", .map(.secret),
            "Variables of its environment, beside those that Millrace has.", example: "{ API_KEY: \"${SCORE_KEY}\" }"),
        FieldSpec(
            "mode", .choice(["stream", "batch"]),
            "`stream`: it lives on and has to write each answer at once (`jq --unbuffered`, `python3 -u`). `batch`: it is started "
                + "for each batch of records, may write its answers when its input ends, and has to end with exit code 0.",
            default: "stream"),
    ]

    private static let recordFields = [
        FieldSpec(
            "send", .list(.fieldName), "The fields of a record that it gets; all of them unless given.",
            example: "[user, revenue]"),
        FieldSpec(
            "add",
            .map(
                .shorthandObject(
                    "type",
                    [
                        FieldSpec("type", .recordFieldType, "The field's type, as for `parse_json`.", required: true),
                        FieldSpec(
                            "path", .string,
                            "Where the value is in the answer: keys joined by dots; the field's name unless given.",
                            example: "result.score"),
                        FieldSpec(
                            "required", .boolean, "Whether a record is a dead letter when the answer lacks the value.",
                            default: "false"),
                        FieldSpec(
                            "on_type_error", .choice(["dead_letter", "null"]),
                            "What to do with a record when the value has another type.", default: "dead_letter"),
                        FieldSpec(
                            "max_bytes", .bytes(1...65_536),
                            "The longest text, in bytes; a longer one is of another type.",
                            default: "\(JSONLimits.textLengthDefault)"),
                    ])),
            "The fields that it answers, with their types. One that the records have already is replaced for what follows, unless "
                + "it is the event time. An answer that does not fit makes its record a dead letter.",
            required: true, example: "{ score: double, segment: text }"),
        FieldSpec(
            "echo", .string,
            "A field that is added to each line with a number, which its answer must repeat. So a program that skips or doubles "
                + "a line is found out, and no record gets the answer of another one.",
            example: "millrace_number"),
    ]

    private static let limitFields = [
        FieldSpec(
            "timeout", .duration(.milliseconds(10)...(.seconds(86_400))),
            "How long it may say nothing while it has a record in hand, and in mode `batch` at all; then it is killed.",
            default: "10s"),
        FieldSpec(
            "startup", .duration(.zero...(.seconds(3_600))),
            "How much longer it may say nothing until its first answer: for what it has to load.", default: "10s"),
        FieldSpec(
            "memory", .bytes((1 << 20)...(1 << 40)),
            "The memory that it and whatever it starts may have at once (resident bytes, looked at ten times a second); then it is "
                + "killed. It is not part of the topology's `memory`.", example: "256MiB"),
        FieldSpec(
            "tries", .integer(1...100),
            "How often a record is tried alone before it is a dead letter, when the program dies of it.", default: "2"),
    ]

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        var reader = ExecReader(node, schema)
        let plan = reader.read(&problems)
        return CompiledNode(plan.map { .stage($0) } ?? .broken, output: .records(reader.output))
    }
}
