import Platform
import Testing

@testable import Nodes

@Suite struct TimestampReadingTests {
    private static func offset(_ text: String) -> Int? { ZoneBook.rules(text)?.offset(at: 0) }

    @Test func namesAndOffsets() {
        #expect(Self.offset("UTC") == 0 && Self.offset("Z") == 0 && Self.offset("Asia/Kathmandu") == 19_800)
        #expect(Self.offset("+02:00") == 7_200 && Self.offset("-0330") == -12_600 && Self.offset("+05") == 18_000)
        #expect(Self.offset("8") == 28_800 && Self.offset("-5") == -18_000 && Self.offset("5.5") == 19_800)
        #expect(Self.offset("8.0") == 28_800 && Self.offset("-3.5") == -12_600 && Self.offset("0") == 0)
        for text in ["", "16", "-15.5", "+02:60", "480", "+2:00", "Berlin", "CEST", "5,5", "--1"] {
            #expect(Self.offset(text) == nil, "\(text)")
        }
    }

    @Test func aBookKnowsManyZonesAndForgetsNone() {
        var book = ZoneBook()
        for round in 0..<3 {
            for (name, utc) in [("Europe/Berlin", 1_774_747_800), ("UTC", 1_774_751_400), ("-5", 1_774_769_400)]
                as [(String, Int64)]
            {
                #expect(book.utc(ofLocal: 1_774_751_400, in: name) == utc, "\(name) \(round)")
            }
            #expect(book.utc(ofLocal: 0, in: "nowhere") == nil)
            // More names than are kept.
            for number in 0..<ZoneBook.namesMax + 10 { #expect(book.utc(ofLocal: 0, in: "x\(number)") == nil) }
        }
    }

    @Test func aClockIsThatOfItsZone() throws {
        let rules = try TimeZoneDatabase.system.rules(named: "America/St_Johns")
        var clock = ZoneClock(rules)
        var random = SeededRandom(seed: 3)
        var local: Int64 = -2_000_000_000
        for _ in 0..<20_000 {
            local += Int64.random(in: -100_000...500_000, using: &random)
            #expect(clock.utc(ofLocal: local) == rules.utc(ofLocal: local))
        }
    }
}
