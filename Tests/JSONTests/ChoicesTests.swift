import JSON
import Platform
import Testing

/// Elements of arrays that a path chooses by what stands under a key in them.
@Suite struct ChoicesTests {
    private static func field(
        _ path: [String], _ choices: [ElementChoice], _ type: FieldType = .text, isRequired: Bool = false
    ) -> FieldDeclaration {
        FieldDeclaration(path: path, type: type, isRequired: isRequired, choices: choices)
    }

    private static let method = field(
        ["attributes", "value", "stringValue"], [ElementChoice(depth: 1, key: "key", text: "http.method")])
    private static let status = field(
        ["attributes", "value", "intValue"], [ElementChoice(depth: 1, key: "key", text: "http.status_code")], .integer)

    private static func values(_ document: String, _ fields: [FieldDeclaration]) -> [Value] {
        parsed(document, fields).values
    }

    @Test func elementsAreChosenByTheirKeys() {
        let both = [Self.method, Self.status]
        let attributes = [
            #"{"key":"http.method","value":{"stringValue":"GET"}}"#,
            #"{"key":"http.status_code","value":{"intValue":200}}"#,
        ]
        for list in [attributes, attributes.reversed()] {
            #expect(
                Self.values("{\"a\":1,\"attributes\":[\(list.joined(separator: " , "))],\"z\":[]}", both)
                    == [.text("GET"), .integer(200)])
        }
        // The key may stand behind the value, with escapes, and among anything else.
        #expect(
            Self.values(
                #"{"attributes":[7,"x",null,[{"key":"http.method"}],{},{"key":null},{"value":{"stringValue":"P\u00f6"},"#
                    + ""
                    + #""x":[{}],"key" : "http.\u006dethod" }]}"#, both) == [.text("Pö"), .none])
        for other in [
            "{}", #"{"attributes":null}"#, #"{"attributes":[]}"#, #"{"attributes":{"http.method":"GET"}}"#,
            #"{"attributes":[{"key":"http","value":{"stringValue":"x"}}]}"#, #"{"attributes":[{"key":"http.method"}]}"#,
            #"{"attributes":[{"key":"http.method","value":"x"}]}"#,
            #"{"attributes":[{"key":["http.method"],"value":{}}]}"#,
            #"{"attributes":"key"}"#,
        ] {
            let outcome = parsed(other, both)
            #expect(outcome.values == [.none, .none] && outcome.error == nil, "\(other)")
        }
    }

    @Test func theLastOfSeveralCounts() {
        let one = [Self.method]
        let (get, put) = (
            #"{"key":"http.method","value":{"stringValue":"GET"}}"#,
            #"{"key":"http.method","value":{"stringValue":"PUT"}}"#
        )
        let none = #"{"key":"http.method","value":{}}"#
        #expect(Self.values(#"{"attributes":[\#(get),\#(put)]}"#, one) == [.text("PUT")])
        #expect(Self.values(#"{"attributes":[\#(get),\#(none)]}"#, one) == [.none])
        #expect(Self.values(#"{"attributes":[\#(get)],"attributes":[]}"#, one) == [.none])
        #expect(Self.values(#"{"attributes":[\#(get)],"attributes":5}"#, one) == [.none])
        #expect(Self.values(#"{"attributes":[],"attributes":[\#(put)]}"#, one) == [.text("PUT")])
        let twice = #"{"key":"x","key":"http.method","value":{"stringValue":"1"},"value":{"stringValue":"2"}}"#
        #expect(Self.values(#"{"attributes":[\#(twice)]}"#, one) == [.text("2")])
    }

    @Test func numbersAndBooleansAreKeysAsTheyAreWritten() {
        let fields = [
            Self.field(["p", "v"], [ElementChoice(depth: 1, key: "id", text: "7")], .integer),
            Self.field(["p", "v"], [ElementChoice(depth: 1, key: "id", text: "true")], .integer),
        ]
        #expect(Self.values(#"{"p":[{"id":7 ,"v":1},{"v":2,"id": true}]}"#, fields) == [.integer(1), .integer(2)])
        #expect(Self.values(#"{"p":[{"id":"7","v":1},{"v":2,"id":7.0}]}"#, fields) == [.integer(1), .none])
    }

    @Test func aValueOfAnotherTypeIsAFault() {
        let outcome = parsed(
            #"{"attributes":[{"key":"http.status_code","value":{"intValue":"200"}}]}"#, [Self.method, Self.status])
        #expect(
            outcome.reason
                == "attributes[key=http.status_code].value.intValue at byte 61: wrong type, found text, expected an integer of "
                + "64 bits")
        let required = Self.field(
            ["attributes", "value"], [ElementChoice(depth: 1, key: "key", text: "a b")], isRequired: true)
        #expect(
            parsed(#"{"attributes":[]}"#, [required]).reason
                == "attributes[key=`a b`].value: missing or null, but required")
    }

    @Test func whatIsNoJSONStaysSo() {
        for document in [
            #"{"attributes":[{"key":"http.method","value":{"stringValue":"GET"}},]}"#,
            #"{"attributes":[{"key":"http.method","value":{"stringValue":"GET"}}"#,
            #"{"attributes":[{"key":"http.method" "value":1}]}"#,
            #"{"attributes":[{"value":{"stringValue":"\ud800"}}]}"#,
        ] {
            #expect(parsed(document, [Self.method]).error == parsed(document, []).error, "\(document)")
            #expect(parsed(document, [Self.method]).error != nil, "\(document)")
        }
    }

    // MARK: Random documents

    private static let names = ["a", "b", "ö", "x y"]
    /// Fields of one element; the last goes through an array in it.
    private static let alone = [
        FieldDeclaration(path: ["v"], type: .text, onTypeError: .null),
        FieldDeclaration(path: ["v"], type: .double, onTypeError: .null),
        FieldDeclaration(path: ["w", "a"], type: .integer, onTypeError: .null),
        FieldDeclaration(
            path: ["w", "l", "v"], type: .text, onTypeError: .null,
            choices: [ElementChoice(depth: 2, key: "a", text: "b")]),
    ]
    private static let text = FieldDeclaration("d.t", .text, onTypeError: .null)
    /// The same of each of four elements, and a text beside the array.
    private static let fields =
        names.flatMap { name in
            alone.map { leaf -> FieldDeclaration in
                var field = leaf
                field.path = ["d", "l"] + leaf.path
                field.choices =
                    [ElementChoice(depth: 2, key: "k", text: name)]
                    + leaf.choices.map { ElementChoice(depth: $0.depth + 2, key: $0.key, text: $0.text) }
                return field
            }
        } + [text]

    private static func element(_ name: String, _ source: inout RandomDocuments) -> String {
        let spelled = source.random.chance(20) && name == "a" ? "\\u0061" : name
        let list = "[\(source.value(depth: 3)),{\"v\":\(source.string()),\"a\":\"b\"}]"
        let members = [
            "\"v\"\(source.space()):\(source.value(depth: 4))", "\"w\":{\"a\":\(source.value(depth: 4)),\"l\":\(list)}",
            "\"k\":\(source.space())\"\(spelled)\"", "\"\(source.random.pick(["y", "z"]))\":\(source.value(depth: 3))",
        ]
        return "{" + members.shuffled(using: &source.random).joined(separator: ",") + "}"
    }

    /// A document, and what its fields are, by a parser of single elements.
    private static func document(_ source: inout RandomDocuments) -> (bytes: [UInt8], values: [Value]) {
        var elements: [String] = []
        var last: [String: String] = [:]
        for _ in 0..<source.random.below(6) {
            let name = source.random.pick(names + ["c", "A"])
            let element = element(name, &source)
            elements.append(element)
            last[name] = element
            if source.random.chance(20) { elements.append(source.value(depth: 3)) }
        }
        let text = source.string()
        let list = elements.joined(separator: source.space() + "," + source.space())
        let members = ["\"l\":[\(list)]", "\"t\":\(text)", "\"u\":\(source.string())"].shuffled(using: &source.random)
        let document = "{\"d\":{\(members.joined(separator: ","))}}"
        let chosen = names.flatMap { name in
            last[name].map { parsed($0, alone).values } ?? alone.map { _ in Value.none }
        }
        return (Array(document.utf8), chosen + parsed("{\"d\":{\"t\":\(text)}}", [self.text]).values)
    }

    /// In any batch, learned or not, with escapes in front of the array, in it, and behind it.
    @Test(arguments: 0..<60 as Range<UInt64>) func choicesAreTheElementsAlone(seed: UInt64) {
        var source = RandomDocuments(seed: seed)
        let documents = (0..<60).map { _ in Self.document(&source) }
        var parser = DocumentParser(fields: Self.fields)
        for _ in 0..<2 {
            let found = ParsedBatch(documents.map(\.bytes), with: &parser).outcomes
            for (document, outcome) in zip(documents, found) {
                #expect(
                    outcome.error == nil && outcome.values == document.values,
                    "seed \(seed): \(String(decoding: document.bytes, as: UTF8.self))")
            }
        }
    }

    /// Damaged documents are as bad as for a parser that chooses nothing, and damage nobody else.
    @Test(arguments: 0..<60 as Range<UInt64>) func damageStaysInItsDocument(seed: UInt64) {
        var source = RandomDocuments(seed: seed)
        let documents = (0..<60).map { _ -> [UInt8] in
            let document = Self.document(&source).bytes
            return source.random.chance(50) ? source.mutated(document) : document
        }
        var parser = DocumentParser(fields: Self.fields)
        let found = ParsedBatch(documents, with: &parser).outcomes
        for (document, outcome) in zip(documents, found) {
            let apart = parsed(document, Self.fields)
            #expect(outcome == apart, "seed \(seed): \(String(decoding: document, as: UTF8.self))")
            #expect(apart.error == parsed(document, [Self.text]).error, "seed \(seed)")
        }
        #expect(found.contains { $0.error != nil } && found.contains { $0.error == nil })
    }
}
