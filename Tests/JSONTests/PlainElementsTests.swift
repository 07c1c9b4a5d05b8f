import JSON
import Platform
import Testing

/// Elements of arrays that are values themselves.
@Suite struct PlainElementsTests {
    /// Each element as the only member of a document, by a parser of documents: values and errors are the same.
    @Test(arguments: 0..<40 as Range<UInt64>) func plainElementsAreReadAsMembersAre(seed: UInt64) {
        var source = RandomDocuments(seed: seed)
        let types: [FieldType] = [
            .text, .integer, .decimal(scale: 2), .double, .boolean, .timestamp(.rfc3339),
            .timestamp(.epochMilliseconds),
        ]
        for type in types {
            var inner = FieldDeclaration(path: [], type: type, isRequired: source.random.chance(30))
            inner.onTypeError = source.random.chance(30) ? .null : .reject
            inner.acceptsText = source.random.chance(40)
            inner.textLengthMax = source.random.pick([3, 256])
            inner.truncates = source.random.chance(40)
            var alone = inner
            alone.path = ["v"]
            let fields = [inner, ElementsTests.outside("n", .text)]
            for elements in [ElementArray(["d", "r"]), ElementArray([])] {
                let isRoot = elements.isDocument
                var parser = DocumentParser(
                    fields: isRoot ? [inner] : fields, takesObjectsOnly: true, elements: elements)
                var (documents, expected): ([String], [ElementsTests.Row]) = ([], [])
                for number in 0..<(1 + source.random.below(12)) {
                    let values = (0..<source.random.below(6)).map { _ in Self.plainValue(&source) }
                    let array = "[" + values.joined(separator: source.random.pick([",", " , ", ",\t"])) + "]"
                    documents.append(isRoot ? array : #"{"n":"\u00e9","d":{"x":[1],"r":\#(array)}}"#)
                    for value in values {
                        let outcome = parsed("{\"v\":\(value)}", [alone])
                        let outside: Value = outcome.error == nil ? .text("é") : .none
                        expected.append(
                            ElementsTests.Row(
                                document: number, values: outcome.values + (isRoot ? [] : [outside]),
                                error: outcome.error))
                    }
                }
                // Learned by the first round, with less room in the second.
                for room in [64, 1] {
                    let found = ElementsTests.rows(documents, &parser, room: room).map {
                        ElementsTests.Row(document: $0.document, values: $0.values, error: $0.error)
                    }
                    #expect(found == expected, "seed \(seed), \(type): \(documents)")
                }
            }
        }
    }

    private static func plainValue(_ source: inout RandomDocuments) -> String {
        source.random.pick([
            source.value(depth: 3), source.string(), source.number(), "null", "\"yes\"", "\" 12 \"", "true",
            "\"2026-01-31T12:00:00Z\"", "1760000000000",
        ])
    }
}
