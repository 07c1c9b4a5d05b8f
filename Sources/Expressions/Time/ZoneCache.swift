import Platform

/// The zones that a column names, for one evaluator: the last few, so that no name is looked up twice in a row.
final class ZoneCache {
    private var entries: [(name: [UInt8], zone: TimeZoneRules?)] = []
    private var next = 0
    private static let entriesMax = 64

    /// The zone of a name; nil when there is none.
    func zone(_ name: TextView) -> TimeZoneRules? {
        for entry in entries where TextView.with(entry.name, { $0 == name }) { return entry.zone }
        let bytes = (0..<name.count).map { name[$0] }
        let zone = TimeZoneDatabase.system.find(String(decoding: bytes, as: UTF8.self))
        if entries.count < Self.entriesMax {
            entries.append((bytes, zone))
        } else {
            entries[next] = (bytes, zone)
            next = (next + 1) % Self.entriesMax
        }
        return zone
    }
}

/// Offsets of one zone for instants that follow on one another: the span of the last one is tried first.
struct ZoneCursor {
    let zone: TimeZoneRules
    private var start: Int64 = 1
    private var end: Int64 = 0
    private var offset: Int64 = 0

    init(_ zone: TimeZoneRules) {
        self.zone = zone
    }

    /// Microseconds east of UTC at an instant, in microseconds since 1970.
    @inline(__always)
    mutating func offset(at microseconds: Int64) -> Int64 {
        if microseconds < start || microseconds >= end { move(to: microseconds) }
        return offset
    }

    private mutating func move(to microseconds: Int64) {
        let span = zone.span(at: ZoneCursor.seconds(microseconds))
        let bound = Int64.max / 1_000_000
        start = max(-bound, span.start) * 1_000_000
        end = min(bound, span.end) * 1_000_000
        offset = Int64(span.offset) * 1_000_000
    }

    /// The instant at which the zone's clocks show a time, both in microseconds since 1970.
    func instant(local microseconds: Int64) -> Int64 {
        let seconds = ZoneCursor.seconds(microseconds)
        return zone.utc(ofLocal: seconds) * 1_000_000 + (microseconds - seconds * 1_000_000)
    }

    private static func seconds(_ microseconds: Int64) -> Int64 {
        let seconds = microseconds / 1_000_000
        return microseconds % 1_000_000 < 0 ? seconds - 1 : seconds
    }
}
