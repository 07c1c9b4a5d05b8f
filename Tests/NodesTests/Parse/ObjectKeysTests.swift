import Testing

@testable import Nodes

@Suite struct ObjectKeysTests {
    private static func keys(_ document: String, at path: [String] = [], inElementsOf array: [String]? = nil)
        -> [String]
    {
        unsafe Array(document.utf8).withUnsafeBytes {
            unsafe ObjectKeys.list($0, at: path[...], inElementsOf: array.map { [$0] } ?? [])
        }
    }

    @Test func keysOfTheDocumentAndOfObjectsInIt() {
        let document = #" { "a" : 1, "b\"c" : {"x":[{"no":1}],"y":"}"} , "b\"c": {"z":null} }"#
        #expect(Self.keys(document) == ["a", #"b\"c"#, #"b\"c"#])
        #expect(Self.keys(document, at: ["b\"c"]) == ["z"])
        #expect(Self.keys(document, at: ["a"]) == [])
        #expect(Self.keys(document, at: ["nowhere"]) == [])
        #expect(Self.keys("[1]") == [] && Self.keys("{}") == [] && Self.keys("") == [])
        #expect(Self.keys("\u{feff}" + document) == Self.keys(document), "the first line of a file may begin so")
    }

    @Test func keysOfTheFirstElement() {
        let document = #"{"d":{"r":[ {"t":1,"p":{"q":2}},{"u":3}]},"e":[{"f":1}]}"#
        #expect(Self.keys(document, inElementsOf: ["d", "r"]) == ["t", "p"])
        #expect(Self.keys(document, at: ["p"], inElementsOf: ["d", "r"]) == ["q"])
        #expect(Self.keys(document, at: ["e"]) == [], "arrays are opened nowhere else")
        #expect(Self.keys(#"{"r":[]}"#, inElementsOf: ["r"]) == [])
        #expect(Self.keys(#" [ {"t":{"u":1}} ]"#, inElementsOf: []) == ["t"])
        #expect(Self.keys(#"[{"t":{"u":1}}]"#, at: ["t"], inElementsOf: []) == ["u"])
    }

    /// Bytes that are cut short are never read beyond.
    @Test func anyBeginningCanBeLookedAt() {
        let document = Array(#"{"a\\":{"b":["x\"",{"c":1}]},"d":2}"#.utf8)
        for length in 0...document.count {
            let part = String(decoding: document[..<length], as: UTF8.self)
            #expect(Self.keys(part).count <= 2 && Self.keys(part, at: [#"a\\"#]).count <= 1)
        }
    }

    @Test func longKeysAreCut() {
        #expect(Self.keys("{\"\(String(repeating: "k", count: 200))\":1}") == [String(repeating: "k", count: 64)])
    }
}
