import JSON
import Testing

/// A byte order mark in front of the first document of a batch, where a file begins.
@Suite struct ByteOrderMarkTests {
    private let mark = "\u{feff}"

    private static func outcomes(_ documents: [String], passes: Bool = true) -> [Outcome] {
        var parser = DocumentParser(fields: [FieldDeclaration("v", .integer)], takesObjectsOnly: true)
        parser.passMark(passes)
        return ParsedBatch(documents.map { Array($0.utf8) }, with: &parser).outcomes
    }

    @Test func itIsPassedInFrontOfTheFirstDocument() {
        for document in [mark + #"{"v":7}"#, mark + " \t" + #"{"v":7}"#] {
            #expect(Self.outcomes([document, #"{"v":8}"#]).map(\.values) == [[.integer(7)], [.integer(8)]])
        }
        #expect(Self.outcomes([mark + #"{"v":7}"#], passes: false).map(\.error) == [.byteOrderMark])
    }

    @Test func elsewhereItIsNone() {
        let found = Self.outcomes([#"{"v":1}"#, mark + #"{"v":2}"#, mark + mark + #"{"v":3}"#])
        #expect(found.map(\.error) == [nil, .byteOrderMark, .byteOrderMark])
        #expect(Self.outcomes([mark + mark + "{}"]).map(\.error) == [.byteOrderMark])
    }

    /// Its bytes belong to the document, so that places of errors are those in the line.
    @Test func errorsHaveTheirPlacesInTheLine() {
        #expect(
            Self.outcomes([mark + #"{"v":"x"}"#]).map(\.reason)
                == ["v at byte 8: wrong type, found text, expected an integer of 64 bits"])
        #expect(Self.outcomes([mark + #"{"v":1"#, "{}"]).map(\.error) == [.truncated, nil])
        #expect(Self.outcomes([mark + "[]"]).map(\.error) == [.notAnObject])
        // One token with what is glued to it.
        #expect(Self.outcomes([mark + "17"]).map(\.error) == [.byteOrderMark])
    }
}
