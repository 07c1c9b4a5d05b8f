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
}
