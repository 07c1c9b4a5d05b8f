import Platform
import Testing

@testable import Declaration
@testable import Summaries

@Suite struct TumblingTests {
    @Test(arguments: [1_000_000, 60_000_000, 86_400_000_000, 7 * 86_400_000_000] as [Int64])
    func aWindowHoldsItsTimesAndBeginsAtAMultiple(length: Int64) {
        var random = SeededRandom(seed: UInt64(length))
        let windows = Tumbling(microseconds: length)
        for _ in 0..<2_000 {
            let time = Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &random)
            let pane = windows.pane(of: time)
            #expect(pane.start <= time && time < pane.start + length && pane.length == UInt64(length))
            #expect(pane.start % length == 0)
            #expect(pane.contains(pane.start) && pane.contains(time) && pane.contains(pane.start + length - 1))
            #expect(!pane.contains(pane.start - 1) && !pane.contains(pane.start + length))
            #expect(windows.windows(of: pane.start) == [pane.start])
        }
        #expect(!Pane.none.contains(0) && !Pane.none.contains(.max))
    }

    /// Tables remember these texts.
    @Test(arguments: [
        (86_400_000_000, "1d", "86400000000us"), (90_000_000, "90s", "90000000us"),
        (3_600_000_000, "1h", "3600000000us"),
        (1_500_000, "1500ms", "1500000us"), (1_000_001, "1000001us", "1000001us"),
    ])
    func itsDefinitionIsItsLength(length: Int64, definition: String, previous: String) {
        let windows = Tumbling(microseconds: length)
        #expect(windows.definition == definition)
        #expect(windows.previousDefinition == previous)
    }

    private static func compile(_ content: ConfigValue.Content) -> (String?, [String]) {
        var problems = Diagnostics()
        let value = ConfigValue(content, at: SourceLocation(file: "t", line: 1, column: 2))
        let window = WindowCatalog.all.compile(value, input: RecordSchema.open, &problems)
        return (window?.definition, problems.all.map(\.description))
    }

    @Test func aLengthIsReadToTheMicrosecond() {
        #expect(Self.compile(.duration(.seconds(60))) == ("1m", []))
        #expect(Self.compile(.duration(.seconds(86_400))) == ("1d", []))
        #expect(Self.compile(.duration(.milliseconds(1_500))).0 == "1500ms")
    }

    /// What is no good has been said already.
    @Test func aBrokenLengthMakesNoWindowAndNoNoise() { #expect(Self.compile(.invalid) == (nil, [])) }

    @Test(arguments: [
        (Duration.seconds(7 * 86_400), "Thursdays"), (.seconds(2 * 86_400), "no fixed day"),
        (.seconds(7 * 60), "divide a day"),
        (.milliseconds(1_500), "divide a day"),
    ])
    func lengthsThatDriftAreWarnedOf(length: Duration, words: String) {
        let (window, problems) = Self.compile(.duration(length))
        #expect(window != nil)
        #expect(
            problems.count == 1 && problems[0].hasPrefix("t:1:2: warning[window-drift]") && problems[0].contains(words))
    }
}
