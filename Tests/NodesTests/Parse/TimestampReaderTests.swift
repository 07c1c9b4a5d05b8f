import Platform
import Testing

@testable import Nodes

@Suite struct TimestampReaderTests {
    private static func read(_ text: String, _ format: String) throws -> TimestampReader.Outcome {
        let pattern = format.isEmpty ? TimestampPattern.localTime : try TimestampPattern(format)
        return unsafe Array(text.utf8).withUnsafeBytes { unsafe TimestampReader.read($0, by: pattern) }
    }

    /// 2026-03-29T02:30:15Z.
    private static let second: Int64 = 1_774_751_415

    @Test(arguments: [
        ("29/Mar/2026:04:30:15 +0200", "%d/%b/%Y:%H:%M:%S %z"), ("29/mar/2026:02:30:15 Z", "%d/%b/%Y:%H:%M:%S %z"),
        ("Sun, 29 March 2026 02:30:15 +00:00", "%a, %d %B %Y %T %z"),
        ("Sunday 29-MARCH-26 02:30:15-00", "%A %d-%h-%y %T%z"),
        ("20260329023015+00", "%Y%m%d%H%M%S%z"), ("1774751415", "%s"), ("2026-088 2:30:15Z", "%Y-%j %T%z"),
        ("03/29/26   2:30:15 AM\t+0000", "%D %I:%M:%S %p %z"), ("2026-03-28 14:30:15 -1200", "%F %T %z"),
        ("  2026-03-29T02:30:15+0000", "%n%FT%T%z"), ("2026-03-29 %02:30:15Z", "%F %%%T%z"),
        ("29 3 2026 2 30 15 Z", "%d %m %Y %H %M %S %z"),
    ])
    func oneInstantInManyForms(text: String, format: String) throws {
        let found = try Self.read(text, format)
        #expect(found == .instant(Self.second * 1_000_000), "\(found)")
    }

    @Test func digitsOfASecond() throws {
        #expect(try Self.read("1774751415.5", "%s.%f") == .instant(Self.second * 1_000_000 + 500_000))
        #expect(try Self.read("-1.25", "%s.%f") == .instant(-1_250_000))
        #expect(
            try Self.read("2026-03-29 02:30:15.123456789", "%F %T.%f") == .local(seconds: Self.second, micros: 123_456))
        #expect(try Self.read("2026-03-29 02:30:60", "%F %T") == .local(seconds: Self.second + 45, micros: 0))
    }

    @Test func noonAndMidnight() throws {
        func hour(_ text: String) throws -> TimestampReader.Outcome { try Self.read("1970-01-01 " + text, "%F %I %p") }
        #expect(
            try hour("12 AM") == .local(seconds: 0, micros: 0) && hour("12 pm") == .local(seconds: 43_200, micros: 0))
        #expect(
            try hour("1 am") == .local(seconds: 3_600, micros: 0) && hour("11 PM") == .local(seconds: 82_800, micros: 0)
        )
        #expect(try hour("13 PM") == .mismatch(at: 11) && hour("0 AM") == .mismatch(at: 11))
    }

    @Test(arguments: [
        ("2026-02-29", "%F", "February 2026 has no day 29"), ("2024-02-30", "%F", "February 2024 has no day 30"),
        ("31/Feb/2024:10:00:00 +0000", "%d/%b/%Y:%H:%M:%S %z", "February 2024 has no day 31"),
        ("2026-04-31", "%F", "April 2026 has no day 31"), ("2026-11-31 10:00:00", "", "November 2026 has no day 31"),
        ("1900-02-29", "%F", "February 1900 has no day 29"), ("2026-366", "%Y-%j", "the year 2026 has no day 366"),
    ])
    func aDayThatDoesNotExistIsNamed(text: String, format: String, name: String) throws {
        guard case .noSuchDay(let day) = try Self.read(text, format) else {
            Issue.record("\(text): \(try Self.read(text, format))")
            return
        }
        #expect("\(day)" == name)
    }

    @Test func localTimesMayHaveAnOffset() throws {
        #expect(try Self.read("2026-03-29 02:30:15", "") == .local(seconds: Self.second, micros: 0))
        #expect(try Self.read("2026-03-29T02:30:15.25", "") == .local(seconds: Self.second, micros: 250_000))
        #expect(try Self.read("2026-03-29T02:30:15Z", "") == .instant(Self.second * 1_000_000))
        #expect(try Self.read("2026-03-29 04:30:15+02:00", "") == .instant(Self.second * 1_000_000))
        #expect(try Self.read("2026-03-29", "") == .mismatch(at: 10))
        #expect(try Self.read("2026-03-29 02:30:15.", "") == .mismatch(at: 19))
    }

    @Test(arguments: [
        ("2026-13-01", "%F"), ("2026-00-10", "%F"), ("2026-01-00", "%F"),
        ("0000-01-01", "%F"), ("26-01-01", "%F"), ("2026-01-01 ", "%F"), ("2026-01-01x", "%F"),
        ("x2026-01-01", "%F"), ("2026-01-0", "%F"), ("", "%F"), ("2026-01-01 24", "%F %H"),
        ("2026-01-01 10:60", "%F %R"),
        ("2026-01-01 10:00:61", "%F %T"), ("2026-01-01 +2", "%F %z"), ("2026-01-01 +02:", "%F %z"),
        ("2026-01-01 +0260", "%F %z"), ("2026-01-01 CET", "%F %z"), ("1 Foo 2026", "%d %b %Y"),
        ("1 Ma 2026", "%d %b %Y"),
        ("1 Marx 2026", "%d %b %Y"), ("1 Marchx 2026", "%d %b %Y"), ("2026-01-01 10 XM", "%F %I %p"), ("-", "%s"),
        ("12345678901234", "%s"),
    ])
    func whatIsNoInstant(text: String, format: String) throws {
        let found = try Self.read(text, format)
        guard case .mismatch(let at) = found else {
            Issue.record("\(text): \(found)")
            return
        }
        #expect(at <= text.utf8.count)
    }

    @Test func leapDays() throws {
        #expect(try Self.read("2024-02-29", "%F") == .local(seconds: 1_709_164_800, micros: 0))
        #expect(try Self.read("2024-366", "%Y-%j") == .local(seconds: 1_735_603_200, micros: 0))
        #expect(try Self.read("69-01-01", "%y-%m-%d") == .local(seconds: -31_536_000, micros: 0))
        #expect(try Self.read("68-01-01", "%y-%m-%d") == .local(seconds: 3_092_601_600, micros: 0))
    }

    /// What is written by the calendar is read back, whatever the format.
    @Test func everyDayIsReadBack() throws {
        let seed: UInt64 = 21
        var random = SeededRandom(seed: seed)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: some BinaryInteger) -> String { value < 10 ? "0\(value)" : "\(value)" }
        for _ in 0..<5_000 {
            let day = Int64.random(in: -719_162...2_932_896, using: &random)
            let (hour, minute, second) = (random.below(24), random.below(60), random.below(60))
            let date = CivilDate(daysSince1970: day)
            let year = String(repeating: "0", count: 4 - "\(date.year)".count) + "\(date.year)"
            let clock = "\(two(hour)):\(two(minute)):\(two(second))"
            let expected = TimestampReader.Outcome.local(
                seconds: day * 86_400 + Int64(hour * 3_600 + minute * 60 + second), micros: 0)
            for (text, format) in [
                ("\(year)-\(two(date.month))-\(two(date.day)) \(clock)", "%F %T"),
                ("\(two(date.day))/\(months[Int(date.month) - 1])/\(year):\(clock)", "%d/%b/%Y:%T"),
                ("\(date.month)/\(date.day)/\(year) \(clock)", "%m/%d/%Y %T"),
            ] {
                let found = try Self.read(text, format)
                guard found != expected else { continue }
                Issue.record("\(text): \(found), expected \(expected), seed \(seed)")
                return
            }
        }
    }
}
