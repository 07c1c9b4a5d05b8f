import Testing

@testable import Platform

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("windw", "window"), ("WINDOW", "window"), ("grouping-sets", "grouping_sets"), ("metircs", "metrics"),
        ("by", "by"), ("form", "from"),
    ]) func aSlipOfTheFingersIsFound(word: String, meant: String) {
        #expect(Suggestion.nearest(to: word, in: ["by", "from", "grouping_sets", "metrics", "window"]) == meant)
        #expect(Suggestion.hint(for: word, in: [meant]) == "did you mean '\(meant)'?")
    }

    @Test(arguments: ["", "completely_different", "zz", String(repeating: "w", count: 65)])
    func anythingElseIsNot(word: String) {
        #expect(Suggestion.nearest(to: word, in: ["by", "from", "metrics", "window"]) == nil)
        #expect(Suggestion.hint(for: word, in: ["window"]) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("ca", "abc", 3), ("kitten", "sitting", 3),
    ])
    func distancesAreThoseOfDamerau(a: String, b: String, distance: Int) {
        #expect(Suggestion.distance(Array(a.unicodeScalars), Array(b.unicodeScalars)) == distance)
        #expect(Suggestion.distance(Array(b.unicodeScalars), Array(a.unicodeScalars)) == distance)
    }
}
