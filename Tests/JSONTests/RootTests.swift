import JSON
import Testing

/// What is no record, and what follows one.
@Suite struct RootTests {
    private static func reason(_ document: String) -> String? {
        var parser = DocumentParser(fields: [FieldDeclaration("a", .text)], takesObjectsOnly: true)
        return ParsedBatch([Array(document.utf8)], with: &parser).outcomes[0].reason
    }

    @Test(arguments: [
        (#"[{"a":"x"}]"#, "found an array"), (#""text""#, "found text"), ("42", "found a number"), ("-1.5e3", "found a number"),
        ("null", "found null"), ("true", "found a boolean"), (" [] ", "found an array"),
    ]) func onlyObjectsAreRecords(document: String, reason: String) {
        #expect(Self.reason(document)?.hasPrefix(reason) == true)
        #expect(Self.reason(document)?.contains("expected an object") == true)
        #expect(parsed(document, [FieldDeclaration("a", .text)]).error == nil, "without the rule any value is good")
    }

    @Test func whatIsNoJSONKeepsItsOwnReason() {
        #expect(Self.reason("[1,]")?.contains("not valid JSON") == true)
        #expect(Self.reason("[1") == "ends after 2 bytes, before its value is complete")
        #expect(Self.reason(#"{"a":"x"}"#) == nil)
    }

    @Test func aSecondDocumentIsCalledOne() {
        let reason = parsed(#"{"a":"x"} {"a":"y"}"#, [FieldDeclaration("a", .text)]).reason
        #expect(reason == "complete before byte 10, but more follows: a second document begins")
    }

    /// A parser remembers the minute it has read last; at first it remembers none, not even sixteen U+0000.
    @Test func noTextIsAnInstantUnread() {
        let escaped = String(repeating: #"\u0000"#, count: 16) + ":05Z"
        let field = [FieldDeclaration("t", .timestamp(.rfc3339))]
        #expect(parsed(#"{"t":"\#(escaped)"}"#, field).error == .invalidTimestamp)
    }

    @Test func bytesThatAreNoUTF8AreTheReasonWhateverElseIsWrong() {
        for text in ["{\"a\":\"\u{1}", "{\"a\":", "{\"a\":\"x"] {
            #expect(parsed(Array(text.utf8) + [0xff], []).error == .invalidUTF8, "\(text.debugDescription)")
        }
    }
}
