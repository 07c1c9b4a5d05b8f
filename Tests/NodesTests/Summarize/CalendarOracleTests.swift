import DataflowTesting
import Platform
import Postgres
import Summaries
import Testing

@testable import Nodes

/// Windows of the calendar begin where Postgres truncates to: `date_trunc(unit, time, zone)`.
@Suite struct CalendarOracleTests {
    /// The four of the specification, and zones whose clocks change at or around midnight, or leave out a day.
    private static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
        "America/St_Johns", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "UTC",
    ]

    /// Moments around every change of a zone's clock in some years, every ten minutes for four hours, those around the turn
    /// of the year, and others by chance.
    private static func moments(_ rules: TimeZoneRules, _ random: inout SeededRandom) -> [Int64] {
        var moments: [Int64] = []
        for year: Int64 in [1987, 2006, 2011, 2024, 2026, 2037] {
            let start = CivilDate(year: year, month: 1, day: 1).daysSince1970 * 86_400
            var centres = [start]
            var second = start
            while second < start + 366 * 86_400 {
                let span = rules.span(at: second)
                guard span.end < start + 366 * 86_400 else { break }
                centres.append(span.end)
                second = span.end
            }
            for centre in centres {
                moments += stride(from: centre - 14_400, through: centre + 14_400, by: 600).map { $0 * 1_000_000 }
                moments += [centre * 1_000_000 - 1, centre * 1_000_000]
            }
            moments += (0..<100).map { _ in
                (start + Int64.random(in: 0..<366 * 86_400, using: &random)) * 1_000_000
            }
        }
        return moments
    }

    @Test func theyAreWhatDateTruncAnswers() async throws {
        try await onThread {
            let stand = try TargetStand("calendar_oracle")
            var connection = try stand.connect()
            var compared = 0
            for zone in Self.zones {
                var random = SeededRandom(seed: 7)
                let rules = try TimeZoneDatabase.system.rules(named: zone)
                let moments = Self.moments(rules, &random)
                for unit in CalendarUnit.allCases {
                    var times = ArrayBuilder(.timestamptz)
                    for moment in moments { times.append(microsecondsSince1970: moment) }
                    let found = try connection.query(
                        "SELECT date_trunc($1, t, $2) FROM unnest($3::timestamptz[]) WITH ORDINALITY AS m(t, n) ORDER BY n",
                        [.text(unit.rawValue), .text(zone), .array(times)])
                    let window = CalendarWindow(unit, in: .fixed(rules))
                    let different = try moments.indices.filter { row in
                        try found.microsecondsSince1970(row, 0) != window.pane(of: moments[row]).start
                    }
                    #expect(
                        different.isEmpty,
                        "\(zone), \(unit): \(different.count) of \(moments.count), first \(different.first.map { moments[$0] } ?? 0)"
                    )
                    compared += moments.count
                }
            }
            #expect(compared > 50_000, "there were changes of the clock to look at")
        }
    }
}
