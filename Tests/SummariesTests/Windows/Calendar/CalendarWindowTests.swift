import Platform
import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

/// What Postgres says of the same windows is tested with the nodes, where there is one.
@Suite struct CalendarWindowTests {
    private static func rules(_ name: String) throws -> TimeZoneRules { try TimeZoneDatabase.system.rules(named: name) }

    /// Stretches follow on one another without a gap, and every moment of one is in the same window.
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
        "America/St_Johns", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "UTC",
    ])
    func stretchesAreWholeAndSteady(zone: String) throws {
        let rules = try Self.rules(zone)
        for unit in CalendarUnit.allCases {
            let window = CalendarWindow(unit, in: .fixed(rules))
            var time: Int64 = 946_684_800_000_000
            var starts: [Int64] = []
            while time < 1_420_000_000_000_000 {
                let pane = window.pane(of: time)
                #expect(pane.first == time || time == 946_684_800_000_000, "\(unit) at \(time)")
                #expect(pane.contains(time) && pane.length > 0)
                let end = pane.first + Int64(pane.length)
                for moment in [pane.first, time, (time + end) / 2, end - 1] {
                    #expect(window.pane(of: moment) == pane, "\(unit) at \(moment)")
                }
                // A window is known by a moment of its own.
                #expect(window.pane(of: pane.start).start == pane.start, "\(unit) at \(time)")
                starts.append(pane.start)
                time = end
            }
            #expect(
                zip(starts, starts.dropFirst()).count(where: { $0 > $1 }) <= 30, "\(unit): hardly ever out of order")
        }
    }

    @Test(arguments: [
        (CalendarUnit.day, "2026-01-15", "2026-01-15"), (.week, "2026-01-15", "2026-01-12"),
        (.week, "2026-01-12", "2026-01-12"), (.week, "2026-01-11", "2026-01-05"), (.month, "2026-02-28", "2026-02-01"),
        (.quarter, "2026-03-31", "2026-01-01"), (.quarter, "2026-12-31", "2026-10-01"),
        (.year, "2024-02-29", "2024-01-01"), (.year, "0000-01-01", "0000-01-01"),
    ])
    func unitsBeginWhereTheCalendarSays(unit: CalendarUnit, day: String, first: String) throws {
        func days(_ text: String) -> Int64 {
            let parts = text.split(separator: "-").compactMap { Int64($0) }
            return CivilDate(year: parts[0], month: parts[1], day: parts[2]).daysSince1970
        }
        let range = unit.days(around: days(day))
        #expect(range.lowerBound == days(first) && range.contains(days(day)))
        #expect(unit.days(around: range.upperBound).lowerBound == range.upperBound)
    }

    /// Tables remember these texts.
    @Test func definitionsStayAsTheyAre() throws {
        let berlin = CalendarWindow(.day, in: .fixed(try Self.rules("europe/berlin")))
        #expect(berlin.definition == "1 day in Europe/Berlin" && berlin.size == "1 day")
        #expect(CalendarWindow(.quarter, in: .utc).definition == "1 quarter in UTC")
        let field = try #require(SummaryRecord.schema["country"])
        let own = CalendarWindow(.month, in: .field(field))
        #expect(own.definition == "1 month in the zone of country" && own.zoneField?.name == "country")
        #expect(berlin.zoneField == nil && berlin.windowLength == nil)
    }

    @Test func theRecordsZoneDecidesWhereItIsAField() throws {
        let field = try #require(SummaryRecord.schema["country"])
        let window = CalendarWindow(.day, in: .field(field))
        let noon: Int64 = 1_782_043_200_000_000
        #expect(window.pane(of: noon, in: try Self.rules("Asia/Kathmandu")).start == noon - 63_900_000_000)
        #expect(window.pane(of: noon, in: .utc).start == noon - 43_200_000_000)
    }

    private static func compile(_ size: ConfigValue.Content, zone: String? = nil) -> (String?, [String]) {
        let place = SourceLocation(file: "t", line: 1, column: 1)
        var entries = [ConfigEntry(key: "size", keyLocation: place, value: ConfigValue(size, at: place))]
        if let zone {
            entries.append(ConfigEntry(key: "zone", keyLocation: place, value: ConfigValue(.string(zone), at: place)))
        }
        var problems = Diagnostics()
        let window = WindowCatalog.all.compile(
            ConfigValue(.map(entries), at: place), input: SummaryRecord.schema, &problems)
        return (window?.definition, problems.all.map(\.description))
    }

    @Test func aUnitIsReadWithAndWithoutAZone() {
        #expect(Self.compile(.string("day"), zone: "Europe/Berlin") == ("1 day in Europe/Berlin", []))
        #expect(Self.compile(.duration(.seconds(86_400)), zone: "Asia/Tokyo") == ("1 day in Asia/Tokyo", []))
        #expect(Self.compile(.string("week"), zone: "country") == ("1 week in the zone of country", []))
        #expect(Self.compile(.string("day")) == ("1d", []))
        #expect(Self.compile(.string("week")) == ("1 week in UTC", []))
        #expect(Self.compile(.invalid, zone: "Asia/Tokyo") == (nil, []))
    }

    @Test(arguments: [
        (
            ConfigValue.Content.string("day"), "Europe/Berln",
            "found \"Europe/Berln\", expected the name of a time zone or a"
        ),
        (.string("day"), "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        (.string("day"), "level", "the zone is the field level, which is integer, expected text"),
        (
            .duration(.seconds(3_600)), "Europe/Berlin",
            "expected 1 day, 1 week, 1 month, 1 quarter or 1 year; leave the zone"
        ),
        (.duration(.seconds(604_800)), "Europe/Berlin", "; write 1 week"),
    ])
    func mistakesAreNamed(size: ConfigValue.Content, zone: String, words: String) {
        let (window, problems) = Self.compile(size, zone: zone)
        #expect(window == nil)
        #expect(
            problems.count == 1 && problems[0].contains("error[window-zone]") && problems[0].contains(words),
            "\(problems)")
    }
}
