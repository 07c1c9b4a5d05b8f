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
                "each",
                .shorthandObject(
                    "path",
                    [
                        FieldSpec(
                            "path", .string,
                            "Where the array is; `\"[]\"` when the document itself is one, as in `[{…},{…}]`; "
                                + "`orders[].items` when it stands in the elements of another one, up to eight deep.",
                            required: true,
                            example: "readings"),
                        FieldSpec(
                            "optional", .boolean,
                            "Whether the array may be missing, or have null in its place: then there are no records of it, and "
                                + "no dead letter.", default: "false"),
                    ]),
                "The path of an array whose elements are the records, a record each; `\"[]\"` for documents that are arrays, and "
                    + "`orders[].items` for an array in each element of another one. "
                    + "Paths of fields then begin at the element, and the path of a field that is the element itself, a text or a "
                    + "number, is `\".\"`; `^.` in front of one begins outside of the array: `^.device.id`, "
                    + "and all elements have that value, so what adds up such values is for a topology without `each`. "
                    + "Where arrays hold one another, each further caret leads out of one more. "
                    + "A bad element is a dead letter of its own; what lacks its array is one, and so is a document that is no valid "
                    + "JSON.",
                example: "readings"),
            FieldSpec(
                "accept", .choice(["json", "text"]),
                "`json`: a value must have the type of its field. `text`: numbers and booleans may also be text, spelled as "
                    + "Postgres reads them (`\"200\"`, `\"4.99\"`, `\"yes\"`), with all their digits, and text fields take "
                    + "numbers and booleans as they are written.",
                default: "json"),
            FieldSpec(
                "event_time", .fieldName,
                "The timestamp field, one of `fields`, that says when an event happened; windows need it. It becomes required, and no "
                    + "node behind replaces it.",
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
                                    + "backquotes: ``\"labels.`app.io/name`\"``. Elements of arrays are records with "
                                    + "`each`, and `\".\"` is the element itself. "
                                    + "In an array of keys and values, `attributes[key=http.method].value.stringValue` begins with "
                                    + "the element whose `key` is `http.method`, the last one if there are several; a text with "
                                    + "brackets or quotes stands in quotes.",
                                example: "payload.weapon"),
                            FieldSpec(
                                "from", .string,
                                "A value of the message instead of one in the document: `message.timestamp`, `message.key`, "
                                    + "`message.header.NAME` (the last one of that name), `message.topic`, "
                                    + "`message.partition`, `message.offset`. Files have offsets only: where a line begins.",
                                example: "message.header.tenant"),
                            FieldSpec(
                                "accept", .choice(["json", "text"]),
                                "As for the node, for this field; the node's unless given.",
                                example: "text"),
                            FieldSpec(
                                "format", .string,
                                "How a timestamp is written, in letters of strptime: "
                                    + TimestampFormatCompiler.reference
                                    + ". White space stands for any amount of it. Without "
                                    + "`%z`, `zone` says where the clock stood.",
                                example: "\"%d/%b/%Y:%H:%M:%S %z\""),
                            FieldSpec(
                                "zone", .string,
                                "Where the clock of a timestamp without an offset stood: the name of a time zone, an offset "
                                    + "such as `+02:00`, or a field that holds one of these or a number of hours. Times that "
                                    + "clocks skip or show twice are read as Postgres reads them.",
                                example: "Europe/Berlin"),
                            FieldSpec(
                                "required", .boolean, "Whether a record without the value is a dead letter.",
                                default: "false"),
                            FieldSpec(
                                "on_type_error", .choice(["dead_letter", "null"]),
                                "What to do with a record whose value has another type: make it a dead letter, or take "
                                    + "the value for null.", default: "dead_letter"),
                            FieldSpec(
                                "max_bytes", .bytes(1...65_536),
                                "The longest text, in bytes; `on_too_long` says what becomes of a longer one.",
                                default: "\(JSONLimits.textLengthDefault)"),
                            FieldSpec(
                                "on_too_long", .choice(["dead_letter", "truncate"]),
                                "What to do with a record whose text is too long: make it a dead letter, or cut the text "
                                    + "behind its last whole character that fits. Numbers that are taken for text are never cut.",
                                default: "dead_letter"),
                        ])),
                "The fields and their types: `text`, `integer`, `decimal(n)` with n digits after the point "
                    + "(others are rounded half away from zero), `double`, "
                    + "`boolean`, `timestamp` (RFC 3339), `timestamp(s)`, `timestamp(ms)`, `timestamp(us)`, `timestamp(ns)` (numbers "
                    + "since 1970, cut to microseconds).",
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
        let (plan, schema) = ParsePlan.make(node, reading: input, &problems)
        input.expectMessages(for: node, &problems)
        return CompiledNode(input.isMessages ? .stage(plan) : .broken, output: .records(schema))
    }
}

extension ParsePlan: StagePlan {
    package var columnTypes: [ColumnType] { fields.map(\.columnType) }
    package var messageTexts: [MessageAttribute] {
        fields.reduce(into: []) { texts, field in
            guard case .message(let attribute) = field.origin, attribute.isText, !texts.contains(attribute) else {
                return
            }
            texts.append(attribute)
        }
    }
    package var messageBytesMax: Int? { limits.documentLengthMax }
    package var recordSource: String? { elements.map { "each: \($0.name)" } ?? "whole documents" }

    package func build(in context: BuildContext) throws -> any Operator {
        ParseJSON(
            self, node: context.node, clockReach: context.clockReach, hashedColumns: context.hashedColumns,
            watch: context.services[Remarks.self]?.watch { FieldWatch(node: context.node, self, $0) })
    }
}
