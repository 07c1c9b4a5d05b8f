import Platform
import SummariesTesting
import Testing

@testable import Declaration
@testable import Summaries

/// How rows are chosen by time; `DashboardTests` asks Postgres.
@Suite struct WindowChartTests {
    private static let second: Int64 = 1_000_000

    @Test(arguments: [
        (1, "100s"), (10, "17m"), (60, "100m"), (300, "9h"), (3_600, "5d"), (86_400, "100d"),
    ])
    func someHundredWindowsAreInSight(seconds: Int64, span: String) {
        let chart = Tumbling(microseconds: seconds * Self.second).chart
        #expect(chart.span == span && chart.apart == nil)
        #expect(chart.reaches("now()") == "window_start > now() - interval '\(seconds) seconds'")
    }

    @Test func ofOverlappingWindowsThoseBeginningAtMultiplesOfTheirLengthAreApart() {
        let minutes = Hopping(every: 60 * Self.second, count: 10).chart
        #expect(minutes.span == "100m")
        #expect(minutes.apart == "extract(epoch FROM window_start)::bigint % 600 = 0")
        #expect(minutes.reaches("now()") == "window_start > now() - interval '600 seconds'")
        let halves = Hopping(every: 1_500_000, count: 3).chart
        #expect(halves.apart == "(extract(epoch FROM window_start) * 1000000)::bigint % 4500000 = 0")
        // At least one whole window.
        #expect(Hopping(every: Self.second, count: 1_000).chart.span == "17m")
    }

    @Test(arguments: [
        (CalendarUnit.day, "100d"), (.week, "2y"), (.month, "5y"), (.quarter, "10y"), (.year, "20y"),
    ])
    func unitsOfTheCalendarBeginWhereDateTruncSays(unit: CalendarUnit, span: String) throws {
        let chart = CalendarWindow(unit, in: .fixed(try TimeZoneDatabase.system.rules(named: "Europe/Berlin"))).chart
        #expect(chart.span == span && chart.apart == nil)
        #expect(chart.reaches("now()") == "window_start >= date_trunc('\(unit.rawValue)', now(), 'Europe/Berlin')")
    }

    @Test func aRowsOwnZoneIsNotKnown() throws {
        let zone = try #require(SummaryRecord.schema["country"])
        let (months, quarters) = (CalendarWindow(.month, in: .field(zone)), CalendarWindow(.quarter, in: .field(zone)))
        #expect(months.chart.reaches("now()") == "window_start > now() - interval '1 month'")
        #expect(quarters.chart.reaches("now()") == "window_start > now() - interval '3 months'")
    }
}
