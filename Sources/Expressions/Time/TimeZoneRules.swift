import Synchronization

/// The offsets of a time zone through all times, from the system's database: TZif files (RFC 8536), and beyond their
/// last change the rule in their footer, which repeats every 400 years as the calendar does.
final class TimeZoneRules: Sendable {
    /// Seconds since 1970 from which the offset of the same index + 1 holds, ascending.
    private let changes: [Int64]
    /// Seconds east of UTC; the first holds before the first change.
    private let offsets: [Int64]
    /// Where the last 400 years of `changes` begin, which stand for all that follows; nil for zones that change no
    /// more.
    private let cycleStart: Int64?

    private static let cycle: Int64 = 146_097 * 86_400

    /// The zone of a name such as `Europe/Berlin`; nil when the database has none. Each is read once per process.
    static func named(_ name: String) -> TimeZoneRules? {
        if name == "UTC" { return utc }
        return known.withLock { zones in
            if let zone = zones[name] { return zone }
            let zone = ZoneFile.read(name).flatMap { TimeZoneRules($0) }
            // Names come from records, too: there must not be one entry for every wrong one.
            if zone != nil { zones[name] = zone }
            return zone
        }
    }

    private static let known = Mutex<[String: TimeZoneRules]>([:])
    private static let utc = TimeZoneRules(changes: [], offsets: [0])

    private init(changes: [Int64], offsets: [Int64]) {
        self.changes = changes
        self.offsets = offsets
        cycleStart = nil
    }

    /// Reads a file; nil when it is none of version 2 or later.
    init?(_ bytes: [UInt8]) {
        guard var reader = TZifReader(bytes), let file = reader.read() else { return nil }
        var changes = file.changes
        var offsets = file.offsets
        guard let rule = file.rule, let last = offsets.last else { return nil }
        let from = changes.last ?? Int64.min
        let firstYear = changes.last.map { CivilDate(daysSince1970: $0 / 86_400 - 1).year } ?? 1900
        var repeats = false
        // A year more than the cycle: its first changes may be listed already.
        for year in firstYear...(firstYear + 401) {
            for change in rule.changes(in: year) where change.at > from && change.offset != offsets[offsets.count - 1] {
                changes.append(change.at)
                offsets.append(change.offset)
                repeats = true
            }
        }
        if !repeats, rule.standard != last, changes.isEmpty { offsets[0] = rule.standard }
        self.changes = changes
        self.offsets = offsets
        cycleStart = repeats ? changes[changes.count - 1] - Self.cycle : nil
    }

    /// The span in which an instant lies, in seconds since 1970: its bounds, and the offset within.
    func span(at seconds: Int64) -> (start: Int64, end: Int64, offset: Int64) {
        let shift = shift(seconds)
        let time = seconds - shift
        let index = firstChange(after: time)
        return (
            index > 0 ? changes[index - 1] + shift : .min,
            index < changes.count ? changes[index] + shift : shift == 0 && cycleStart == nil ? .max : seconds + 1,
            offsets[index]
        )
    }

    /// Seconds east of UTC at an instant.
    func offset(at seconds: Int64) -> Int64 { span(at: seconds).offset }

    /// The instant at which the clocks show a time, both in seconds since 1970.
    ///
    /// A time that is skipped is taken by the offset of before the change, one that comes twice by that of after: as
    /// Postgres does (`DetermineTimeZoneOffset`).
    func instant(local: Int64) -> Int64 {
        // No offset is a day long, so the change that matters is the first behind the day before.
        let previous = local - 86_400
        let shift = shift(previous)
        let index = firstChange(after: previous - shift)
        let before = offsets[index]
        guard index < changes.count else { return local - before }
        let boundary = changes[index] + shift
        let after = offsets[index + 1]
        let (beforeTime, afterTime) = (local - before, local - after)
        if beforeTime < boundary, afterTime < boundary { return beforeTime }
        if beforeTime > boundary, afterTime >= boundary { return afterTime }
        return beforeTime > afterTime ? beforeTime : afterTime
    }

    /// Whole cycles by which an instant lies behind what is listed.
    private func shift(_ seconds: Int64) -> Int64 {
        guard let cycleStart, let last = changes.last, seconds >= last else { return 0 }
        return (seconds - cycleStart) / Self.cycle * Self.cycle
    }

    private func firstChange(after seconds: Int64) -> Int {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Reads a TZif file.
private struct TZifReader {
    private let bytes: [UInt8]
    private var index: Int

    /// nil when the bytes are no file of version 2 or later.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > 88, Array(bytes.prefix(4)) == Array("TZif".utf8), bytes[4] >= UInt8(ascii: "2") else {
            return nil
        }
        self.bytes = bytes
        // The first block has 32-bit times, for old readers.
        let counts = Self.counts(bytes, at: 20)
        index =
            44 + counts.times * 5 + counts.types * 6 + counts.characters + counts.leaps * 8 + counts.standard
            + counts.ut
    }

    private typealias Counts = (ut: Int, standard: Int, leaps: Int, times: Int, types: Int, characters: Int)

    private static func counts(_ bytes: [UInt8], at start: Int) -> Counts {
        func number(_ place: Int) -> Int {
            (0..<4).reduce(0) { $0 << 8 | Int(bytes[start + place * 4 + $1]) }
        }
        return (number(0), number(1), number(2), number(3), number(4), number(5))
    }

    private func signed(at start: Int, bytes count: Int) -> Int64 {
        var value: UInt64 = bytes[start] >= 0x80 ? .max : 0
        for offset in 0..<count { value = value << 8 | UInt64(bytes[start + offset]) }
        return Int64(bitPattern: value)
    }

    mutating func read() -> (changes: [Int64], offsets: [Int64], rule: PosixRule?)? {
        guard index + 44 <= bytes.count else { return nil }
        let counts = Self.counts(bytes, at: index + 20)
        index += 44
        let size =
            counts.times * 9 + counts.types * 6 + counts.characters + counts.leaps * 12 + counts.standard + counts.ut
        guard size <= bytes.count - index, counts.types > 0 else { return nil }
        let times = index
        let kinds = times + counts.times * 8
        let types = kinds + counts.times
        var changes: [Int64] = []
        var offsets = [signed(at: types, bytes: 4)]
        for number in 0..<counts.times {
            let type = Int(bytes[kinds + number])
            guard type < counts.types else { return nil }
            let at = signed(at: times + number * 8, bytes: 8)
            let next = signed(at: types + type * 6, bytes: 4)
            // Only the abbreviation changes, or the time is one of before all times.
            guard next != offsets[offsets.count - 1] else { continue }
            changes.append(at)
            offsets.append(next)
        }
        let footer = bytes[(index + size)...].dropFirst().prefix { $0 != UInt8(ascii: "\n") }
        let rule = PosixRule(String(decoding: footer, as: UTF8.self))
        return (changes, offsets, rule)
    }
}
