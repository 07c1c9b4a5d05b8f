import JSON
import Platform
import Testing

@Suite struct DocumentParserTests {
    @Test func declaredPathsAreReadAndTheRestIsChecked() {
        #expect(parsed(event, eventFields) == eventOutcome)
        let broken = String(decoding: event, as: UTF8.self).replacing("\"z\":null", with: "\"z\":nul")
        let outcome = parsed(broken, eventFields)
        #expect(outcome.error == .invalidLiteral)
        #expect(outcome.values == Array(repeating: Value.none, count: 8))
    }

    @Test func missingAndNullHaveNoValue() {
        let fields = [
            FieldDeclaration("a", .integer), FieldDeclaration("b.c", .text), FieldDeclaration("b.d.e", .text),
        ]
        for document in [
            "{}", #"{"a":null}"#, #"{"b":null}"#, #"{"b":{}}"#, #"{"b":5}"#, #"{"b":["c"]}"#, #"{"b":{"d":"e"}}"#, "[]",
            "5", #""a""#, "null", "true", #"[{"a":1}]"#, " {} ", #"{"A":1}"#, #"{"a ":1}"#, #"{"c":"x"}"#, #"{"":1}"#,
        ] {
            #expect(
                parsed(document, fields) == Outcome(error: nil, reason: nil, values: [.none, .none, .none]),
                "\(document)")
        }
    }

    @Test func lastDuplicateWinsAtEveryLevel() {
        let fields = [
            FieldDeclaration("a", .integer), FieldDeclaration("b.c", .integer), FieldDeclaration("b.d.e", .text),
        ]
        func values(_ document: String) -> [Value] { parsed(document, fields).values }
        #expect(values(#"{"a":1,"a":2}"#) == [.integer(2), .none, .none])
        #expect(values(#"{"a":1,"a":null}"#) == [.none, .none, .none])
        #expect(values(#"{"a":1,"\u0061":2}"#) == [.integer(2), .none, .none])
        #expect(values(#"{"a":"x","a":2}"#) == [.integer(2), .none, .none])
        #expect(parsed(#"{"a":"x","a":2}"#, fields).error == nil)
        #expect(parsed(#"{"a":"x","a":null}"#, fields).error == nil)
        #expect(parsed(#"{"a":2,"a":"x"}"#, fields).error == .wrongType)
        #expect(values(#"{"b":{"c":1,"d":{"e":"x"}},"b":{"c":2}}"#) == [.none, .integer(2), .none])
        #expect(values(#"{"b":{"c":1,"d":{"e":"x"}},"b":{"d":{}}}"#) == [.none, .none, .none])
        #expect(values(#"{"b":{"c":1,"d":{"e":"x"},"d":{"f":0}}}"#) == [.none, .integer(1), .none])
        #expect(values(#"{"b":{"c":1},"b":null}"#) == [.none, .none, .none])
        #expect(values(#"{"b":{"c":1},"b":[]}"#) == [.none, .none, .none])
        #expect(parsed(#"{"b":{"c":"x"},"b":{}}"#, fields) == parsed("{}", fields))
        #expect(parsed(#"{"b":{"c":"x"},"b":7}"#, fields) == parsed("{}", fields))
    }

    @Test func escapedKeysMatch() {
        let fields = [
            FieldDeclaration("name", .integer), FieldDeclaration(path: ["quo\"te\\"], type: .integer),
            FieldDeclaration(path: ["tab\t", "é"], type: .integer), FieldDeclaration(path: [""], type: .integer),
        ]
        var parser = DocumentParser(fields: fields)
        let document = Array(#"{"\u006e\u0061me":1,"quo\"te\\":2,"tab\t":{"\u00e9":3},"":4}"#.utf8)
        let expected = Outcome(error: nil, reason: nil, values: [1, 2, 3, 4].map { Value.integer($0) })
        #expect(ParsedBatch([document, document, document], with: &parser).outcomes == [expected, expected, expected])
        #expect(parsed(#"{"n\u0061m":1,"nam\u0065s":1}"#, fields).values[0] == .none)
        #expect(parsed(#"{"n\ud800":1}"#, fields).error == .unpairedSurrogate)
        #expect(parsed(#"{"n\q":1}"#, fields).error == .invalidEscape)
    }

    @Test func longKeysAndManyKeysMatch() {
        let long = String(repeating: "k", count: 300)
        let fields =
            (0..<300).map { FieldDeclaration("k\($0)", .integer) } + [FieldDeclaration(path: [long], type: .integer)]
        var random = SeededRandom(seed: 11)
        var parser = DocumentParser(fields: fields)
        for _ in 0..<5 {
            let order = Array(0..<300).shuffled(using: &random)
            let members =
                order.map { #""k\#($0)":\#($0)"# } + [#""\#(long)":7"#, #""\#(long)k":8"#]
                + (0..<500).map { _ in #""x\#(random.below(100_000))":{"k1":-1}"# }
            let document = "{" + members.shuffled(using: &random).joined(separator: ", ") + "}"
            let outcome = ParsedBatch([Array(document.utf8)], with: &parser).outcomes[0]
            #expect(outcome.values == (0..<300).map { Value.integer(Int64($0)) } + [.integer(7)])
        }
    }

    @Test func fieldsMayShareAPathAndLieAboveOthers() {
        let fields = [
            FieldDeclaration("a", .text, onTypeError: .null),
            FieldDeclaration("a", .timestamp(.rfc3339), onTypeError: .null),
            FieldDeclaration("a.b", .integer), FieldDeclaration("a", .text, onTypeError: .null),
        ]
        let both = parsed(#"{"a":"\u0031970-01-01T00:00:01Z"}"#, fields)
        #expect(
            both.values == [.text("1970-01-01T00:00:01Z"), .integer(1_000_000), .none, .text("1970-01-01T00:00:01Z")])
        #expect(parsed(#"{"a":{"b":5}}"#, fields).values == [.none, .none, .integer(5), .none])
        #expect(parsed(#"{"a":{"b":5},"a":"x"}"#, fields).values == [.text("x"), .none, .none, .text("x")])
    }

    @Test func requiredFieldsMustHaveAValue() {
        let fields = [FieldDeclaration("a.b", .integer, isRequired: true, onTypeError: .null)]
        #expect(parsed(#"{"a":{"b":1}}"#, fields).error == nil)
        for document in [#"{"a":{"b":null}}"#, "{}", "[]", #"{"a":{"b":"x"}}"#, #"{"a":{"b":1},"a":{}}"#] {
            #expect(parsed(document, fields).error == .missingRequired, "\(document)")
            #expect(parsed(document, fields).reason == "a.b: missing or null, but required")
        }
    }

    @Test func reasonsNameTheFieldAndTheTypeFound() {
        let fields = [FieldDeclaration("d", .integer), FieldDeclaration("t", .text)]
        func reason(_ document: String) -> String? { parsed(document, fields).reason }
        #expect(
            reason(#"{"x":1,"d":"secret"}"#) == "d at byte 11: wrong type, found text, expected an integer of 64 bits")
        #expect(
            reason(#"{"d":1.5}"#)
                == "d at byte 5: wrong type, found a number with a fraction, expected an integer of 64 bits")
        #expect(reason(#"{"t":[1]}"#) == "t at byte 5: wrong type, found an array, expected text")
        #expect(
            reason(#"{"t":false,"d":{}}"#)
                == "d at byte 15: wrong type, found an object, expected an integer of 64 bits")
        #expect(reason(#"{"d":1e20}"#) == "d at byte 5: out of range, expected an integer of 64 bits")
        #expect(reason(#"{"d":1,}"#) == "not valid JSON at byte 7: unexpected character")
        #expect(reason(#"{"d":1"#) == "ends after 6 bytes, before its value is complete")
        #expect(reason(#"{"d":1} 2"#) == "complete before byte 8, but more follows")
        #expect(reason("") == "empty, expected a JSON value")
        #expect(reason("\u{feff}{}") == "begins with a byte order mark, which JSON does not allow")
        #expect(reason("{}") == nil)
        let codes = Set(DocumentError.allCases.map(\.code))
        #expect(codes.count == DocumentError.allCases.count)
    }

    @Test func limitsHold() {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}"), (#"{"b":"#, "}")] {
            let fields = [FieldDeclaration("a.a.a", .text, onTypeError: .null)]
            #expect(parsed(nested(64, open, close), fields).error == nil)
            #expect(parsed(nested(65, open, close), fields).error == .tooDeep)
            #expect(parsed(nested(5, open, close), fields, limits: JSONLimits(depthMax: 5)).error == nil)
            #expect(parsed(nested(6, open, close), fields, limits: JSONLimits(depthMax: 5)).error == .tooDeep)
            #expect(parsed(nested(1024, open, close), fields, limits: JSONLimits(depthMax: 1024)).error == nil)
            #expect(parsed(nested(1025, open, close), fields, limits: JSONLimits(depthMax: 1024)).error == .tooDeep)
        }
        let large = "\"" + String(repeating: "x", count: (1 << 20) - 2) + "\""
        #expect(parsed(large, []).error == nil)
        #expect(parsed(large + " ", []).error == .tooLarge)
        var parser = DocumentParser(fields: eventFields)
        let batch = ParsedBatch([event, Array((large + " ").utf8), event, Array(large.utf8), event], with: &parser)
        #expect(batch.outcomes.map(\.error) == [nil, .tooLarge, nil, nil, nil])
        #expect(batch.outcomes[2] == eventOutcome && batch.outcomes[4] == eventOutcome)
    }

    @Test func aTruncatedDocumentDoesNotSwallowItsNeighbours() {
        // Each continues the one before as if the newline were not there.
        let documents = [
            #"{"event":"#, #""kill""#, #"}"#, #"[1"#, #",2"#, #"]"#, #"{"user":"a\""#, #"","event":"x"}"#, "tru", "e",
            "[", "]", #"{"#, "}",
        ]
        var parser = DocumentParser(fields: eventFields)
        let batch = ParsedBatch(
            documents.flatMap { [Array($0.utf8), event] } + documents.map { Array($0.utf8) }, with: &parser)
        for (index, document) in documents.enumerated() {
            let alone = parsed(document, eventFields)
            #expect(batch.outcomes[2 * index] == alone, "\(document)")
            #expect(batch.outcomes[2 * index + 1] == eventOutcome, "behind \(document)")
            #expect(batch.outcomes[2 * documents.count + index] == alone, "\(document)")
        }
    }

    @Test func anEmptyBatchIsNothing() {
        var parser = DocumentParser(fields: eventFields)
        let batch = ParsedBatch([], with: &parser)
        #expect(batch.summary == ParseSummary(okCount: 0, badCount: 0, firstBad: nil, arenaUsed: 0))
    }
}
