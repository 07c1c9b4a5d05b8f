/// Reads a compiled time zone: TZif of any version, RFC 8536 (Olson, Eggert, Murchison, "The Time Zone Information
/// Format", 2019).
///
/// ```
/// header  "TZif" version, 15 bytes reserved, six counts of 32 bits: isut, isstd, leap, time, type, char
/// block   times · types of time by number · types (offset, is daylight, place of the name) · names · leap seconds · flags
/// ```
/// A file of version 2 or later has all of it twice, first with times of 32 bits and then of 64, and a rule for what comes
/// behind the table, between two newlines.
struct TimeZoneFile {
    /// What is wrong with a file.
    struct Fault: Error, Hashable {
        /// The end of "… is no time zone: ".
        var what: String
    }

    private let bytes: [UInt8]
    private var at = 0

    /// The rules in a file's bytes.
    static func rules(_ bytes: [UInt8], name: String) throws(Fault) -> TimeZoneRules {
        var file = TimeZoneFile(bytes: bytes)
        return try file.read(name)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private struct Counts {
        var isUT = 0
        var isStandard = 0
        var leap = 0
        var times = 0
        var kinds = 0
        var characters = 0

        func length(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + kinds * 6 + characters + leap * (timeBytes + 4) + isStandard + isUT
        }
    }

    private mutating func read(_ name: String) throws(Fault) -> TimeZoneRules {
        var (version, counts) = try header()
        var timeBytes = 4
        if version >= UInt8(ascii: "2") {
            at += counts.length(timeBytes: 4)
            (version, counts) = try header()
            timeBytes = 8
        }
        guard at + counts.length(timeBytes: timeBytes) <= bytes.count else { throw Fault(what: "it is cut short") }
        // The system's own "right" zones: their seconds are not those of Unix and Postgres.
        guard counts.leap == 0 else { throw Fault(what: "it counts leap seconds") }
        guard counts.kinds > 0 else { throw Fault(what: "it has no type of time") }
        let end = at + counts.length(timeBytes: timeBytes)
        let starts = (0..<counts.times).map { _ in timeBytes == 8 ? number(8) : number(4) }
        let numbers = (0..<counts.times).map { _ in Int(number(1) & 0xff) }
        let kinds = try kinds(counts)
        guard numbers.allSatisfy({ $0 < kinds.count }), zip(starts, starts.dropFirst()).allSatisfy(<) else {
            throw Fault(what: "its table is out of order")
        }
        at = end
        return TimeZoneRules(
            name: name, starts: starts, kinds: [kinds[0]] + numbers.map { kinds[$0] },
            rule: timeBytes == 8 ? try footer() : nil)
    }

    private mutating func header() throws(Fault) -> (version: UInt8, counts: Counts) {
        guard at + 44 <= bytes.count, bytes[at..<at + 4].elementsEqual("TZif".utf8) else {
            throw Fault(what: "it does not begin as one")
        }
        let version = bytes[at + 4]
        at += 20
        var counts = Counts()
        for count in [\Counts.isUT, \.isStandard, \.leap, \.times, \.kinds, \.characters] {
            let value = number(4)
            guard (0...65_536).contains(value) else { throw Fault(what: "its header is impossible") }
            counts[keyPath: count] = Int(value)
        }
        return (version, counts)
    }

    private mutating func kinds(_ counts: Counts) throws(Fault) -> [TimeZoneRules.Kind] {
        let raw = (0..<counts.kinds).map { _ in (Int(number(4)), number(1) != 0, Int(number(1) & 0xff)) }
        let names = bytes[at..<at + counts.characters]
        var kinds: [TimeZoneRules.Kind] = []
        for (offset, isDaylight, place) in raw {
            guard abs(offset) < 26 * 3_600, place < names.count else { throw Fault(what: "its offsets are impossible") }
            kinds.append(
                TimeZoneRules.Kind(
                    offset: offset, isDaylight: isDaylight,
                    abbreviation: String(
                        decoding: names[(names.startIndex + place)...].prefix { $0 != 0 }, as: UTF8.self)))
        }
        return kinds
    }

    private func footer() throws(Fault) -> RecurringRule? {
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\n") else { throw Fault(what: "its last line is missing") }
        let line = bytes[(at + 1)...].prefix { $0 != UInt8(ascii: "\n") }
        if line.isEmpty { return nil }
        guard let rule = RecurringRule(line) else { throw Fault(what: "its last line is no rule") }
        return rule
    }

    /// A big-endian number of so many bytes, with its sign.
    private mutating func number(_ count: Int) -> Int64 {
        var value = Int64(Int8(bitPattern: bytes[at]))
        for byte in bytes[at + 1..<at + count] { value = value << 8 | Int64(byte) }
        at += count
        return value
    }
}
