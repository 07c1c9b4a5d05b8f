import JSON
import Testing

@Suite struct TruncationTests {
    private static func cut(_ text: String, to length: Int) -> Value {
        var field = FieldDeclaration("v", .text)
        field.textLengthMax = length
        field.truncates = true
        let outcome = parsed("{\"v\":\"\(text)\"}", [field])
        return outcome.error == nil ? outcome.values[0] : .none
    }

    @Test func textIsCutBehindAWholeCodePoint() {
        #expect(Self.cut("abcdef", to: 4) == .text("abcd"))
        #expect(Self.cut("abcd", to: 4) == .text("abcd"))
        #expect(Self.cut("abcé", to: 4) == .text("abc"))
        #expect(Self.cut("ab€d", to: 4) == .text("ab"))
        #expect(Self.cut("ab€d", to: 5) == .text("ab€"))
        #expect(Self.cut("😀x", to: 3) == .text(""))
        #expect(Self.cut("😀x", to: 4) == .text("😀"))
        #expect(Self.cut("ab\\u20acd", to: 4) == .text("ab"))
        #expect(Self.cut("ab\\nd", to: 3) == .text("ab\n"))
    }

    @Test func everyCutIsValidAndAsLongAsItCanBe() {
        let text = "aé€😀zß漢字"
        for length in 0...text.utf8.count {
            let expected = String(decoding: text.utf8.prefix(length), as: UTF8.self).prefix { $0 != "\u{fffd}" }
            #expect(Self.cut(text, to: length) == .text(String(expected)), "\(length)")
        }
    }

    @Test func cutsAndNullsAreCounted() {
        var cut = FieldDeclaration("t", .text)
        (cut.textLengthMax, cut.truncates) = (2, true)
        let lenient = FieldDeclaration("n", .integer, onTypeError: .null)
        let strict = FieldDeclaration("s", .integer)
        var parser = DocumentParser(fields: [cut, lenient, strict])
        let documents = [
            #"{"t":"abc","n":"x","s":1}"#, #"{"t":"ab","n":1,"s":1}"#, #"{"t":"abcd","n":null,"s":1}"#,
            // Of a bad document nothing is counted, nor of a value that a later one of the same name replaces.
            #"{"t":"abc","n":"x","s":"x"}"#, #"{"n":true,"n":2,"t":"abc","t":"a"}"#,
        ]
        for round in 1...2 as ClosedRange<Int64> {
            _ = ParsedBatch(documents.map { Array($0.utf8) }, with: &parser)
            let cuts = parser.concessions(ofField: 0)
            #expect(cuts == Concessions(nulls: 0, cuts: 2 * round, error: nil, found: .nothing))
            let nulls = parser.concessions(ofField: 1)
            #expect(nulls == Concessions(nulls: round, cuts: 0, error: .wrongType, found: .text))
        }
    }
}
