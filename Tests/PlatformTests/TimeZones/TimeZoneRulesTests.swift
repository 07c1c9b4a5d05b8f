import Platform
import Testing

@Suite struct TimeZoneRulesTests {
    /// A local time as the clock shows it, and the second of UTC that Postgres 15 takes it for.
    private static let readings: [(zone: String, local: Int64, utc: Int64)] = [
        // Berlin, 2026-03-29: 01:59:59, 02:00, 02:30 (skipped), 03:00; 2026-10-25: 01:59:59, 02:00, 02:59:59, 03:00.
        ("Europe/Berlin", 1_774_749_599, 1_774_745_999), ("Europe/Berlin", 1_774_749_600, 1_774_746_000),
        ("Europe/Berlin", 1_774_751_400, 1_774_747_800), ("Europe/Berlin", 1_774_753_200, 1_774_746_000),
        ("Europe/Berlin", 1_792_893_599, 1_792_886_399), ("Europe/Berlin", 1_792_893_600, 1_792_890_000),
        ("Europe/Berlin", 1_792_897_199, 1_792_893_599), ("Europe/Berlin", 1_792_897_200, 1_792_893_600),
        // By the rule behind the table: 9999-03-28 02:30 and 9999-10-31 02:30.
        ("Europe/Berlin", 253_378_204_200, 253_378_200_600), ("Europe/Berlin", 253_396_953_000, 253_396_949_400),
        // 2024-03-10 02:30 (skipped), 2024-11-03 01:30 (twice).
        ("America/New_York", 1_710_037_800, 1_710_055_800), ("America/New_York", 1_730_597_400, 1_730_615_400),
        // 2024-10-06 02:15 (skipped), 2024-04-07 01:45 (twice): half an hour each.
        ("Australia/Lord_Howe", 1_728_180_900, 1_728_143_100), ("Australia/Lord_Howe", 1_712_454_300, 1_712_416_500),
        // 2011-12-30 was left out; 1986-01-01 00:10 was skipped.
        ("Pacific/Apia", 1_325_246_400, 1_325_282_400), ("Asia/Kathmandu", 504_922_200, 504_902_400),
    ]

    @Test func localTimesAreReadAsPostgresReadsThem() throws {
        for reading in Self.readings {
            let zone = try TimeZoneDatabase.system.rules(named: reading.zone)
            #expect(zone.utc(ofLocal: reading.local) == reading.utc, "\(reading)")
        }
    }

    @Test func utcIsReadBack() throws {
        var random = SeededRandom(seed: 11)
        for name in ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia", "UTC"] {
            let zone = try TimeZoneDatabase.system.rules(named: name)
            for _ in 0..<2_000 {
                let second = Int64.random(in: -6_000_000_000...253_402_300_799, using: &random)
                let span = zone.span(at: second)
                #expect(span.start <= second && second < span.end)
                let local = second + Int64(span.offset)
                // A time that clocks show twice is the later one.
                let back = zone.utc(ofLocal: local)
                #expect(back == second || (back > second && zone.offset(at: back) < span.offset), "\(name) \(second)")
                let steady = zone.steadySpan(ofLocal: local)
                #expect(steady.range.contains(local) && local - Int64(steady.offset) == back, "\(name) \(second)")
                for other in [steady.range.lowerBound, steady.range.upperBound - 1] where other.magnitude < 1 << 45 {
                    #expect(zone.utc(ofLocal: other) == other - Int64(steady.offset), "\(name) \(other)")
                }
            }
        }
    }

    @Test func spansJoin() throws {
        for name in ["Europe/Dublin", "America/New_York", "Antarctica/Troll", "Asia/Tehran"] {
            let zone = try TimeZoneDatabase.system.rules(named: name)
            var span = zone.span(at: -5_000_000_000)
            #expect(span.start == .min)
            for _ in 0..<400 where span.end != .max {
                #expect(zone.span(at: span.end - 1) == span, "\(name)")
                let next = zone.span(at: span.end)
                #expect(next.start == span.end, "\(name)")
                span = next
            }
        }
    }

    @Test func fixedOffsets() {
        let zone = TimeZoneRules(name: "+05:45", offset: 20_700)
        #expect(zone.utc(ofLocal: 20_700) == 0 && zone.offset(at: .max / 4) == 20_700)
        #expect(TimeZoneRules.utc.utc(ofLocal: 7) == 7)
    }
}
