import Platform
import Testing

@Suite struct CivilDateTests {
    @Test func daysAndDatesAreInverse() {
        var random = SeededRandom(seed: 5)
        let days = [-719_162, -719_163, -1, 0, 1, 11_016, 19_782, 2_932_896].map(Int64.init)
        for day in days + (0..<20_000).map({ _ in Int64.random(in: -10_000_000...10_000_000, using: &random) }) {
            let date = CivilDate(daysSince1970: day)
            #expect(date.daysSince1970 == day, "\(date)")
            #expect((1...CivilDate.days(in: date.month, of: date.year)).contains(date.day), "\(date)")
        }
    }

    @Test func knownDates() {
        #expect(CivilDate(daysSince1970: 0) == CivilDate(year: 1970, month: 1, day: 1))
        #expect(CivilDate(daysSince1970: 0).weekday == 4)
        #expect(CivilDate(year: 2000, month: 2, day: 29).daysSince1970 == 11_016)
        #expect(CivilDate(year: 1, month: 1, day: 1).daysSince1970 == -719_162)
        #expect(CivilDate(year: 2026, month: 3, day: 29).weekday == 0)
        #expect(CivilDate(year: 1969, month: 12, day: 28).weekday == 0)
        #expect(CivilDate.isLeap(2000) && CivilDate.isLeap(2024) && !CivilDate.isLeap(1900) && !CivilDate.isLeap(2026))
    }

    /// The weeks of ISO 8601 at turns of the year, as Postgres's `extract(isoyear …)` and `extract(week …)` give them.
    @Test(
        arguments: [
            (2004, 12, 31, 2004, 53), (2005, 1, 1, 2004, 53), (2005, 1, 3, 2005, 1), (2008, 12, 29, 2009, 1),
            (2010, 1, 3, 2009, 53), (2012, 1, 1, 2011, 52), (2026, 12, 31, 2026, 53), (1, 1, 1, 1, 1),
        ] as [(Int64, Int64, Int64, Int64, Int64)])
    func weeksBelongToTheYearOfTheirThursday(year: Int64, month: Int64, day: Int64, isoYear: Int64, week: Int64) {
        let date = CivilDate(year: year, month: month, day: day)
        let found = CivilDate.isoWeek(daysSince1970: date.daysSince1970)
        #expect(found == (isoYear, week), "\(date)")
    }
}
