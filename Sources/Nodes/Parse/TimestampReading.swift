import Foundation
package import Platform

/// How the text of a timestamp field becomes an instant: by a pattern, and in a zone where the text names no offset.
package struct TimestampReading: Sendable {
    /// Which zone the clock stood in.
    package enum Zone: Sendable {
        /// The same for all records.
        case fixed(TimeZoneRules)
        /// What another column of the record says: a name or an offset.
        case column(Int)
    }

    /// The longest text looked at: no format takes a longer one.
    static let textBytesMax = 1_024

    /// How the text is written.
    var pattern: TimestampPattern
    /// Nil when every text has an offset.
    var zone: Zone?
}

/// A zone, and the local times around the last one for which its offset is known.
struct ZoneClock {
    let rules: TimeZoneRules
    private var steady: Range<Int64> = 0..<0
    private var offset: Int64 = 0

    init(_ rules: TimeZoneRules) { self.rules = rules }

    /// The second of UTC at which clocks of the zone show a local time.
    mutating func utc(ofLocal local: Int64) -> Int64 {
        if !steady.contains(local) {
            let span = rules.steadySpan(ofLocal: local)
            (steady, offset) = (span.range, Int64(span.offset))
        }
        return local - offset
    }
}

/// The zones that a field names, by their names.
struct ZoneBook {
    /// Names kept, of zones and of what is none.
    static let namesMax = 1_024

    private var clocks: [ZoneClock] = []
    /// By name: the number of a clock, or nil for what names no zone.
    private var numbers: [String: Int?] = [:]
    private var last: (name: String, number: Int?)?

    /// Turns a local time into UTC, by the clock of a zone; nil when nothing is called so.
    mutating func utc(ofLocal local: Int64, in name: String) -> Int64? {
        guard let number = number(of: name) else { return nil }
        return clocks[number].utc(ofLocal: local)
    }

    private mutating func number(of name: String) -> Int? {
        if let last, last.name == name { return last.number }
        let number = find(name)
        last = (name, number)
        return number
    }

    private mutating func find(_ name: String) -> Int? {
        if let known = numbers[name] { return known }
        if numbers.count >= Self.namesMax { (numbers, clocks) = ([:], []) }
        let rules = Self.rules(name)
        if let rules { clocks.append(ZoneClock(rules)) }
        let number = rules == nil ? nil : clocks.count - 1
        numbers[name] = .some(number)
        return number
    }

    /// The rules of a zone of the database, or of an offset: `Z`, `+02:00`, `+0200`, `+02`, and hours such as `2` or `-3.5`.
    static func rules(_ text: String) -> TimeZoneRules? {
        if let offset = offset(text) { return TimeZoneRules(name: text, offset: offset) }
        return TimeZoneDatabase.system.find(text)
    }

    private static func offset(_ text: String) -> Int? {
        if text == "Z" || text == "z" { return 0 }
        if let match = text.wholeMatch(of: /([+-])(\d\d):?(\d\d)?/), let hours = Int(match.2) {
            guard let minutes = match.3.map({ Int($0) }) ?? 0, minutes < 60 else { return nil }
            return seconds(Double(hours) + Double(minutes) / 60, isWest: match.1 == "-")
        }
        guard text.wholeMatch(of: /[+-]?\d{1,2}(\.\d{1,4})?/) != nil, let hours = Double(text) else { return nil }
        return seconds(abs(hours), isWest: text.hasPrefix("-"))
    }

    /// No place on earth is more than 15 hours away from Greenwich.
    private static func seconds(_ hours: Double, isWest: Bool) -> Int? {
        guard hours <= 15 else { return nil }
        let seconds = Int((hours * 3_600).rounded())
        return isWest ? -seconds : seconds
    }
}
