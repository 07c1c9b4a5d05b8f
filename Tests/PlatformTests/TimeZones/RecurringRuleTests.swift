import Testing

@testable import Platform

@Suite struct RecurringRuleTests {
    private static func day(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400
    }

    private static func zone(_ rule: String) throws -> TimeZoneRules {
        let rule = try #require(RecurringRule(rule.utf8))
        return TimeZoneRules(name: "test", starts: [], kinds: [rule.standard], rule: rule)
    }

    @Test func centralEurope() throws {
        let zone = try Self.zone("CET-1CEST,M3.5.0,M10.5.0/3")
        let spring = Self.day(2026, 3, 29) + 3_600
        let autumn = Self.day(2026, 10, 25) + 3_600
        #expect(
            zone.span(at: spring)
                == TimeZoneRules.Span(
                    start: spring, end: autumn, offset: 7_200, isDaylight: true, abbreviation: "CEST"))
        #expect(zone.span(at: spring - 1).offset == 3_600 && zone.span(at: spring - 1).end == spring)
        #expect(zone.span(at: autumn - 1).offset == 7_200 && zone.span(at: autumn).abbreviation == "CET")
        #expect(zone.offset(at: Self.day(9999, 7, 1)) == 7_200)
    }

    @Test func halfAnHourInTheSouth() throws {
        let zone = try Self.zone("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0")
        #expect(zone.offset(at: Self.day(2026, 1, 1)) == 39_600)
        #expect(zone.offset(at: Self.day(2026, 7, 1)) == 37_800)
        #expect(zone.span(at: Self.day(2026, 7, 1)).end == Self.day(2026, 10, 4) + 2 * 3_600 - 37_800)
    }

    @Test func daysOfTheYearAndTimesOutsideOfTheDay() throws {
        // Julian days never count 29 February; plain ones do.
        let zone = try Self.zone("AAA0BBB,J60,90/-1")
        #expect(zone.span(at: Self.day(2023, 1, 5)).end == Self.day(2023, 3, 1) + 7_200)
        #expect(zone.span(at: Self.day(2024, 1, 5)).end == Self.day(2024, 3, 1) + 7_200)
        #expect(zone.span(at: Self.day(2023, 3, 10)).end == Self.day(2023, 4, 1) - 3_600 - 3_600)
        #expect(zone.span(at: Self.day(2024, 3, 10)).end == Self.day(2024, 3, 31) - 3_600 - 3_600)
        // As Godthab and Gaza have it.
        let far = try Self.zone("EET-2EEST,M3.4.4/50,M10.4.4/50")
        #expect(far.span(at: Self.day(2026, 2, 1)).end == Self.day(2026, 3, 28) + 2 * 3_600 - 7_200)
    }

    @Test func daylightSavingTimeAllTheYear() throws {
        let zone = try Self.zone("XXX3EDT4,0/0,J365/23")
        for second in stride(from: Self.day(2024, 12, 30), to: Self.day(2025, 1, 3), by: 1_800) {
            #expect(zone.offset(at: second) == -4 * 3_600)
        }
    }

    @Test(arguments: [
        "", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-25", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J10", "CET-1CEST,366,1",
        "CET-1CEST,M3.5.0,M10.5.0/3,", "<CET-1", "CET-1:60", "CET-1CEST,M3.5.0/168,M10.5.0",
    ])
    func whatPOSIXDoesNotAllow(text: String) {
        #expect(RecurringRule(text.utf8) == nil)
    }
}
