import Testing

@testable import Millrace

@Suite struct MessageKeysTests {
    private static func keys(_ field: String, of lines: [String]) -> [String?] {
        var keys = MessageKeys(field: field)
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        let found = unsafe bytes.withUnsafeBytes { unsafe keys.keys(of: $0) }
        return found.map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func aKeyIsTheValueOfItsField() {
        let lines = [
            #"{"user": "u1"}"#, #"{"a": {"user": "no"}, "user": "\u0061\"b"}"#, #"{"user": 7.50}"#, #"{"user": true}"#,
            #"{"user": ""}"#, #"{"user": "first", "user": "ü"}"#,
        ]
        #expect(Self.keys("user", of: lines) == ["u1", "a\"b", "7.50", "true", "", "ü"])
    }

    @Test func otherLinesHaveNone() {
        let lines = [
            "{}", #"{"user": null}"#, #"{"user": {"id": 1}}"#, #"{"user": ["a"]}"#, #"{"a": {"user": "no"}}"#,
            "nonsense",
            #""user""#, #"{"user": "cut"#, #"{"user": "\#(String(repeating: "x", count: MessageKeys.bytesMax + 1))"}"#,
            #"{"user": "last"}"#,
        ]
        #expect(Self.keys("user", of: lines) == Array(repeating: nil, count: 9) + ["last"])
        #expect(Self.keys("user.name", of: [#"{"user": {"name": "a"}, "user.name": "b"}"#]) == ["b"])
    }

    @Test func noLinesHaveNoKeys() {
        var keys = MessageKeys(field: "user")
        #expect(unsafe keys.keys(of: UnsafeRawBufferPointer(start: nil, count: 0)).isEmpty)
    }
}
