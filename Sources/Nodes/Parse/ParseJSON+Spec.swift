package import Dataflow
package import Declaration
import JSON

extension ParseJSON: NodeType {
    /// The declaration of `parse_json`.
    package static let spec = NodeSpec(
        name: "parse_json", kind: .operator,
        summary: "Parses JSON documents into records with typed fields; documents that do not fit become dead letters.",
        fields: [
            FieldSpec(
                "event_time", .fieldName,
                "The timestamp field that says when an event happened; windows need it. It becomes required.",
                example: "ts"),
            FieldSpec(
                "fields",
                .map(
                    .shorthandObject(
                        "type",
                        [
                            FieldSpec("type", .recordFieldType, "The field's type.", required: true),
                            FieldSpec(
                                "path", .string,
                                "Where the value is: the keys from the outside in, joined by dots; the field's name unless "
                                    + "given. A key that holds a dot, a slash or brackets, or is a number, needs "
                                    + "backquotes: ``\"labels.`app.io/name`\"``. Elements of arrays cannot be read.",
                                example: "payload.weapon"),
                            FieldSpec(
                                "required", .boolean, "Whether a record without the value is a dead letter.",
                                default: "false"),
                            FieldSpec(
                                "on_type_error", .choice(["dead_letter", "null"]),
                                "What to do with a record whose value has another type: make it a dead letter, or take "
                                    + "the value for null.", default: "dead_letter"),
                            FieldSpec(
                                "max_bytes", .bytes(1...65_536),
                                "The longest text, in bytes; a longer one is a dead letter.",
                                default: "\(JSONLimits.textLengthDefault)"),
                        ])),
                "The fields and their types: `text`, `integer`, `decimal(n)` with n digits after the point "
                    + "(others are rounded half away from zero), `double`, "
                    + "`boolean`, `timestamp` (RFC 3339), `timestamp(s)`, `timestamp(ms)`, `timestamp(us)` (since 1970).",
                required: true, example: "{ ts: timestamp, user: text, weapon: { path: payload.weapon, type: text } }"),
            FieldSpec(
                "max_depth", .integer(1...Int64(JSONLimits.depthMost)),
                "The deepest nesting of a document; a deeper one is a dead letter.",
                default: "\(JSONLimits.depthDefault)"),
            FieldSpec(
                "max_record_bytes", .bytes(1_024...(16 << 20)),
                "The largest document, in bytes; a larger one is a dead letter.",
                default: "\(JSONLimits.documentLengthDefault >> 20)MiB"),
        ],
        example: """
            records:
              from: events
              parse_json:
                event_time: ts
                fields:
                  ts: timestamp
                  event: text
                  user: text
                  revenue: decimal(2)
                  weapon: { path: payload.weapon, type: text }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let (plan, schema) = ParsePlan.make(node, &problems)
        input.expectMessages(for: node, &problems)
        return CompiledNode(input.isMessages ? .stage(plan) : .broken, output: .records(schema))
    }
}

extension ParsePlan: StagePlan {
    package var columnTypes: [ColumnType] { fields.map { ColumnType($0.type) } }
    package var messageBytesMax: Int? { limits.documentLengthMax }

    package func build(in context: BuildContext) throws -> any Operator {
        ParseJSON(
            self, hashedColumns: context.hashedColumns,
            watch: context.services[FieldReport.self]?.watch(node: context.node, self))
    }
}
