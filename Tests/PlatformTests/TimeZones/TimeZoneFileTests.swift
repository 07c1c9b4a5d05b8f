import Testing

@testable import Platform

@Suite struct TimeZoneFileTests {
    /// A file with two changes, as the compiler of the tz database lays it out.
    private static func file(
        version: Character = "2", starts: [Int64] = [-100, 1_000], numbers: [UInt8] = [1, 0],
        kinds: [(Int32, UInt8, UInt8)] = [(600, 0, 0), (3_600, 1, 4)], names: String = "LMT\0DST\0",
        leap: Int32 = 0, footer: String = "\nCET-1CEST,M3.5.0,M10.5.0/3\n"
    ) -> [UInt8] {
        func number(_ value: some FixedWidthInteger) -> [UInt8] {
            unsafe withUnsafeBytes(of: value.bigEndian) { unsafe Array($0) }
        }
        func block(_ isWide: Bool) -> [UInt8] {
            var bytes = Array("TZif\(version)".utf8) + [UInt8](repeating: 0, count: 15)
            for count in [0, 0, leap, Int32(starts.count), Int32(kinds.count), Int32(names.utf8.count)] {
                bytes += number(count)
            }
            for start in starts { bytes += isWide ? number(start) : number(Int32(start)) }
            bytes += numbers
            for (offset, isDaylight, place) in kinds { bytes += number(offset) + [isDaylight, place] }
            bytes += Array(names.utf8)
            return bytes + [UInt8](repeating: 0, count: Int(leap) * (isWide ? 12 : 8))
        }
        return version < "2" ? block(false) : block(false) + block(true) + Array(footer.utf8)
    }

    @Test func tableAndRuleAreRead() throws {
        let zone = try TimeZoneFile.rules(Self.file(), name: "Test/Zone")
        #expect(zone.name == "Test/Zone")
        #expect(
            zone.span(at: -101)
                == TimeZoneRules.Span(start: .min, end: -100, offset: 600, isDaylight: false, abbreviation: "LMT"))
        #expect(
            zone.span(at: -100)
                == TimeZoneRules.Span(start: -100, end: 1_000, offset: 3_600, isDaylight: true, abbreviation: "DST"))
        #expect(zone.span(at: 999).offset == 3_600 && zone.span(at: 1_000).offset == 600)
        // 1970-03-29T01:00:00Z, by the rule.
        #expect(zone.span(at: 1_000).end == 7_520_400 && zone.offset(at: 7_520_400) == 7_200)
    }

    @Test func theFirstVersionHasNoRule() throws {
        let zone = try TimeZoneFile.rules(Self.file(version: "\0"), name: "Test/Zone")
        #expect(zone.span(at: 5_000_000_000).offset == 600 && zone.span(at: 5_000_000_000).end == .max)
    }

    @Test func noRuleMeansThatTheLastOffsetStays() throws {
        let zone = try TimeZoneFile.rules(Self.file(footer: "\n\n"), name: "Test/Zone")
        #expect(zone.span(at: 5_000_000_000).offset == 600 && zone.span(at: 5_000_000_000).end == .max)
    }

    @Test func damagedFilesAreRefused() {
        func what(_ bytes: [UInt8]) -> String? {
            do throws(TimeZoneFile.Fault) {
                _ = try TimeZoneFile.rules(bytes, name: "x")
                return nil
            } catch { return error.what }
        }
        #expect(what([]) == "it does not begin as one")
        #expect(what(Array("TZif2".utf8)) == "it does not begin as one")
        #expect(what(Self.file(leap: 1)) == "it counts leap seconds")
        #expect(what(Self.file(numbers: [1, 2])) == "its table is out of order")
        #expect(what(Self.file(starts: [5, 5])) == "its table is out of order")
        #expect(what(Self.file(kinds: [(600, 0, 0), (3_600, 1, 9)])) == "its offsets are impossible")
        #expect(what(Self.file(kinds: [(600, 0, 0), (100_000, 1, 0)])) == "its offsets are impossible")
        #expect(what(Self.file(footer: "")) == "its last line is missing")
        #expect(what(Self.file(footer: "\nCET\n")) == "its last line is no rule")
        let whole = Self.file()
        for length in 0..<whole.count - 28 {
            #expect(what(Array(whole[..<length])) != nil, "\(length) of \(whole.count) bytes")
        }
    }
}
