import Testing

@testable import Summaries

@Suite struct ShownMomentTests {
    /// Before: whatever stood behind the second was cut off, and two moments of one second looked alike.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (1_774_751_400_123_000, "2026-03-29T02:30:00.123Z"),
            (1_774_751_400_000_001, "2026-03-29T02:30:00.000001Z"), (1_774_751_400_500_000, "2026-03-29T02:30:00.5Z"),
            (-1, "1969-12-31T23:59:59.999999Z"), (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func aMomentIsShownWhole(microseconds: Int64, text: String) {
        #expect(SummaryJSON.text(microsecondsSince1970: microseconds) == text)
    }
}
