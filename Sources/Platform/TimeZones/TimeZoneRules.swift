/// The rules of one time zone: which offset from UTC holds when, in the past by a table and from then on by a rule.
///
/// Times are seconds since 1970-01-01T00:00:00; "local" ones count as if the clock on the wall showed UTC. They may lie
/// a hundred thousand years away, no more.
public final class TimeZoneRules: Sendable {
    /// A stretch of time in which one offset holds. It may be followed by one of the same offset.
    public struct Span: Hashable, Sendable {
        /// Its first second in UTC; `Int64.min` for the first span.
        public var start: Int64
        /// The second after its last one; `Int64.max` for the last span.
        public var end: Int64
        /// Seconds to add to UTC: positive east of Greenwich.
        public var offset: Int
        /// Whether it is daylight-saving time.
        public var isDaylight: Bool
        /// What the time is called, such as `CEST` or `+0545`.
        public var abbreviation: String
    }

    /// An offset and its name.
    struct Kind: Hashable, Sendable {
        var offset: Int
        var isDaylight: Bool
        var abbreviation: String
    }

    /// The zone's name in the database, such as `Europe/Berlin`.
    public let name: String
    /// The second at which each span but the first one begins.
    let starts: [Int64]
    /// What holds before the first start, and then from each one on.
    let kinds: [Kind]
    /// What holds from the last start on; nil when the last kind goes on for ever.
    let rule: RecurringRule?

    init(name: String, starts: [Int64], kinds: [Kind], rule: RecurringRule?) {
        precondition(kinds.count == starts.count + 1, "a time zone has one kind of time more than changes")
        self.name = name
        self.starts = starts
        self.kinds = kinds
        self.rule = rule
    }

    /// A zone that is always so many seconds east of Greenwich.
    public convenience init(name: String, offset: Int) {
        self.init(
            name: name, starts: [], kinds: [Kind(offset: offset, isDaylight: false, abbreviation: name)], rule: nil)
    }

    /// UTC.
    public static let utc = TimeZoneRules(name: "UTC", offset: 0)

    /// The span that a second of UTC lies in.
    ///
    /// - Complexity: logarithmic in the length of the table; constant behind it.
    public func span(at second: Int64) -> Span {
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= second { low = middle + 1 } else { high = middle }
        }
        let start = low == 0 ? Int64.min : starts[low - 1]
        if low == starts.count, let rule { return rule.span(at: second, behind: start, kinds[low]) }
        return Span(kinds[low], from: start, to: low == starts.count ? .max : starts[low])
    }

    /// Seconds to add to this second of UTC.
    public func offset(at second: Int64) -> Int { span(at: second).offset }

    /// The second of UTC at which clocks show a local time.
    ///
    /// As Postgres resolves it (`DetermineTimeZoneOffset`): a time that clocks skip is read by the offset before the
    /// change, and one that they show twice by the offset after it.
    public func utc(ofLocal local: Int64) -> Int64 {
        let before = span(at: local - 86_400)
        let early = local - Int64(before.offset)
        guard before.end != .max else { return early }
        let late = local - Int64(span(at: before.end).offset)
        if early < before.end, late < before.end { return early }
        if early > before.end, late >= before.end { return late }
        return max(early, late)
    }

    /// A stretch of local time around `local`, in local seconds, in which the offset is the same throughout, so that
    /// `utc(ofLocal:)` need not be asked again. Near a change it is that one second.
    public func steadySpan(ofLocal local: Int64) -> (range: Range<Int64>, offset: Int) {
        let second = utc(ofLocal: local)
        let span = span(at: second)
        // Far enough from both ends, no matter which offsets hold beyond them: none is more than 26 hours.
        let margin: Int64 = 3 * 86_400
        let start = span.start == .min ? Int64.min : span.start + margin
        let end = span.end == .max ? Int64.max : span.end - margin
        guard start <= local, local < end else { return (local..<local + 1, Int(local - second)) }
        return (start..<end, span.offset)
    }
}

extension TimeZoneRules.Span {
    init(_ kind: TimeZoneRules.Kind, from start: Int64, to end: Int64) {
        self.init(
            start: start, end: end, offset: kind.offset, isDaylight: kind.isDaylight, abbreviation: kind.abbreviation)
    }
}
