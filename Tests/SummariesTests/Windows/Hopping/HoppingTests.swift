import Platform
import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

@Suite struct HoppingTests {
    private static let minute: Int64 = 60_000_000

    @Test func aMomentIsInAllWindowsThatHoldIt() {
        var random = SeededRandom(seed: 41)
        let windows = Hopping(every: 2 * Self.minute, count: 5)
        for _ in 0..<500 {
            let time = Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &random)
            let starts = windows.windows(of: windows.pane(of: time).start)
            #expect(starts.count == 5 && Set(starts).count == 5)
            #expect(starts.allSatisfy { $0 % (2 * Self.minute) == 0 && $0 <= time && time < $0 + 10 * Self.minute })
        }
        #expect(windows.windowLength == nil)
    }

    /// Tables remember this text.
    @Test func itsDefinitionIsItsSizeAndDistance() {
        let windows = Hopping(everySeconds: 60, count: 10)
        #expect(windows.definition == "10m every 1m" && windows.size == "10m")
        #expect(Hopping(everySeconds: 43_200, count: 2).definition == "1d every 12h")
    }

    private static func compile(_ size: ConfigValue.Content, _ every: Duration) -> (String?, [String]) {
        let place = SourceLocation(file: "t", line: 1, column: 1)
        let entries: [(String, ConfigValue.Content)] = [("size", size), ("every", .duration(every))]
        let value = ConfigValue(
            .map(
                entries.map { ConfigEntry(key: $0.0, keyLocation: place, value: ConfigValue($0.1, at: place)) }),
            at: place)
        var problems = Diagnostics()
        let window = WindowCatalog.all.compile(value, input: SummaryRecord.schema, &problems)
        return (window?.definition, problems.all.map(\.description))
    }

    @Test func aWindowThatHopsByItsSizeIsTumbling() {
        #expect(Self.compile(.duration(.seconds(600)), .seconds(60)) == ("10m every 1m", []))
        #expect(Self.compile(.duration(.seconds(60)), .seconds(60)) == ("1m", []))
        #expect(Self.compile(.invalid, .seconds(60)) == (nil, []))
    }

    @Test(arguments: [
        (ConfigValue.Content.duration(.seconds(600)), Duration.seconds(180), "10m is no multiple of 3m"),
        (.duration(.seconds(60)), .seconds(600), "1m is no multiple of 10m"),
        (.duration(.seconds(86_400)), .seconds(30), "in 2880 windows, expected at most 1440"),
        (.string("month"), .seconds(86_400), "windows of the calendar follow on one another"),
    ])
    func whatMakesNoWholeNumberOfPanesIsRefused(size: ConfigValue.Content, every: Duration, words: String) {
        let (window, problems) = Self.compile(size, every)
        #expect(window == nil)
        #expect(
            problems.count == 1 && problems[0].contains("error[window-hop]") && problems[0].contains(words),
            "\(problems)")
    }

    @Test func theDistanceDriftsNotTheSize() {
        #expect(Self.compile(.duration(.seconds(5_400)), .seconds(1_800)).1 == [])
        let (window, problems) = Self.compile(.duration(.seconds(2_520)), .seconds(420))
        #expect(window == "42m every 7m" && problems.count == 1 && problems[0].contains("warning[window-drift]"))
    }
}
