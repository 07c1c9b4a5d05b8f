import Testing

@testable import WebPage

/// Nothing that comes from outside becomes markup.
@Suite struct HTMLTests {
    private static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' autofocus onfocus='alert(1)", "&lt;b&gt;",
        "</pre><iframe srcdoc=x>",
    ]

    @Test(arguments: hostile) func textIsNoMarkup(text: String) {
        let markup: HTML = "<p title=\"\(text)\">\(text)</p>"
        let inner = markup.text.dropFirst("<p title=\"".count).dropLast("</p>".count)
        for character in ["<", "'"] { #expect(!inner.contains(character), "\(inner)") }
        // The one that ends the attribute.
        #expect(inner.count { $0 == "\"" } == 1)
        #expect(inner.count { $0 == ">" } == 1)
    }

    @Test func whatIsInvisibleIsShown() {
        let text: HTML = "\("a\u{0}b\u{1B}[2Jc\u{202E}d\u{200B}e\u{2028}f\u{7F}")"
        #expect(text.text == "a\\u{0}b\\u{1b}[2Jc\\u{202e}d\\u{200b}e\\u{2028}f\\u{7f}")
        #expect(("\("Zürich, 東京 😀\n\t.")" as HTML).text == "Zürich, 東京 😀\n\t.")
    }

    @Test func markupIsTakenAsItIs() {
        let inner: HTML = "<b>\("1 < 2")</b>"
        let outer: HTML = "<p>\(inner)\([inner, inner])\(7)</p>"
        let one = "<b>1 &lt; 2</b>"
        #expect(outer.text == "<p>\(one)\(one)\(one)7</p>")
        #expect((HTML([inner, inner]) + inner).text == one + one + one)
    }

    @Test func addressesKeepTheirSegments() {
        #expect(Address.view(.topology, of: "a/b?c#d e") == "/topologies/a%2Fb%3Fc%23d%20e")
        #expect(
            Address.view(.deadLetters, of: "kpis", [("cause", "a&b=c"), ("field", "x")])
                == "/topologies/kpis/dead-letters?cause=a%26b%3Dc&field=x")
        #expect(Address.view(.overview, of: "") == "/")
        #expect(Address.view(.changes, of: "kpis@4") == "/topologies/kpis%404/changes")
    }
}
