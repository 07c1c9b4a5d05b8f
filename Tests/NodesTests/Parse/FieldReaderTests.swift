import Dataflow
import Declaration
import JSON
import Testing

@testable import Nodes

/// How fields are declared; what is wrong with declarations is in `ParseDiagnosticsTests`, with its places.
@Suite struct FieldReaderTests {
    private static func field(_ declaration: String, in node: String = "") throws -> RecordField {
        let stand = try ParseStand("{ \(node)fields: { f: \(declaration) } }")
        try #require(stand.problems.isEmpty, "\(stand.problems)")
        return stand.plan.fields[0]
    }

    @Test func typesHaveTheirColumns() throws {
        for (text, type) in [
            ("text", .text), ("integer", .integer), ("double", .double), ("boolean", .boolean),
            ("timestamp", .timestamp),
            ("timestamp(s)", .timestamp), ("timestamp(ms)", .timestamp), ("timestamp(us)", .timestamp),
            ("timestamp(ns)", .timestamp),
            ("decimal(0)", .decimal(scale: 0)), ("decimal(18)", .decimal(scale: 18)),
        ] as [(String, ColumnType)] {
            #expect(try Self.field(text).columnType == type, "\(text)")
        }
        #expect(try ParseStand("{ fields: { f: decimal(19) } }").problems.map(\.code) == ["field-type"])
    }

    @Test func nothingIsLenientUnlessAsked() throws {
        let plain = try Self.field("text")
        #expect(plain.declaration == FieldDeclaration(path: ["f"], type: .text))
        #expect(plain.origin == .document && plain.reading == nil && plain.place == "f")
    }

    @Test func optionsAreTaken() throws {
        let field = try Self.field(
            "{ path: ^.a.b, type: text, required: true, on_type_error: \"null\", max_bytes: 1KiB, on_too_long: truncate, accept: text }",
            in: "each: r, ")
        #expect(
            field.declaration
                == FieldDeclaration(
                    path: ["a", "b"], type: .text, isRequired: true, onTypeError: .null, textLengthMax: 1_024,
                    truncates: true, acceptsText: true, outward: 1))
        #expect(field.place == "^.a.b")
    }

    @Test func aTimestampWithAFormatIsATextFirst() throws {
        let field = try Self.field("{ type: timestamp, format: \"%F %z\" }")
        #expect(field.columnType == .timestamp && field.parsed.type == .text && field.reading?.zone == nil)
        #expect(field.reading?.pattern.format == "%F %z")
    }

    @Test func valuesOfTheMessageHaveNoPath() throws {
        let field = try Self.field("{ from: message.header.x.y, type: text }")
        #expect(field.origin == .message(.header("x.y")) && field.declaration.path.isEmpty)
        #expect(field.place == "message.header.x.y")
    }

    @Test func aSourceThatHasNothingOfAMessage() throws {
        let stand = try ParseStand(
            "{ fields: { f: { from: message.key, type: text } } }", offer: MessageOffer(source: "toy") { _ in false })
        #expect(stand.problems.map(\.code) == ["message-value"])
    }

    /// A field with a mistake is known all the same, so that what reads it is checked.
    @Test func theSchemaKnowsWhatItCan() throws {
        let stand = try ParseStand("{ fields: { a: { path: \"x[0]\", type: integer }, b: strnig, c: text } }")
        #expect(stand.problems.map(\.code).sorted() == ["field-path", "field-type"])
        #expect(stand.schema["a"]?.type == .integer && stand.schema["b"] == nil && stand.schema.isUnresolved("b"))
        #expect(stand.schema["c"]?.textBytesMax == 256)
    }
}
