import Testing

@testable import WebPage

/// Numbers as people read them.
@Suite struct FiguresTests {
    @Test func countsHaveThreeDigitsAndAUnit() {
        let expected: [(Double?, String)] = [
            (0, "0"), (7, "7"), (0.5, "0.500"), (999, "999"), (1_000, "1.00k"), (12_340, "12.3k"), (999_400, "999k"),
            (999_600, "1.00M"), (1.5e9, "1.50G"), (2e12, "2.00T"), (-12_340, "-12.3k"), (nil, "–"), (.nan, "–"),
        ]
        for (value, text) in expected { #expect(Figures.count(value) == text, "\(String(describing: value))") }
    }

    @Test func axesHaveNoZerosThatSayNothing() {
        for (text, short) in [
            ("5.00k", "5k"), ("2.50M", "2.5M"), ("10.0k", "10k"), ("100", "100"), ("0", "0"), ("64.0 MiB", "64 MiB"),
            ("1.0 s", "1 s"), ("500 ms", "500 ms"), ("0.500", "0.5"), ("1.25", "1.25"), ("1.00e-04", "1e-04"),
            ("–", "–"),
        ] { #expect(Figures.round(text) == short) }
    }

    @Test func exactCountsAreGrouped() {
        #expect(Figures.exact(0) == "0")
        #expect(Figures.exact(999) == "999")
        #expect(Figures.exact(1_234_567) == "1\u{202F}234\u{202F}567")
        #expect(Figures.exact(-1_000) == "−1\u{202F}000")
    }

    @Test func amountsAndTimesHaveUnits() {
        #expect(Figures.bytes(512) == "512 B")
        #expect(Figures.bytes(1_572_864) == "1.50 MiB")
        #expect(Figures.bytes(3 * 1_073_741_824) == "3.00 GiB")
        let expected: [(Double, String)] = [
            (0.012, "12 ms"), (0.9999, "1.0 s"), (3.21, "3.2 s"), (42, "42 s"), (300, "5 min"), (10_800, "3 h"),
            (691_200, "8 d"),
        ]
        for (seconds, text) in expected { #expect(Figures.duration(seconds: seconds) == text, "\(seconds)") }
    }
}
