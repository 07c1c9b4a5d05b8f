/// How far in event time a partition has got: what its records are called too late or too early by.
///
/// It sees the good records of the partition in the order of its log, so it is a function of the log alone, whatever the
/// batches, restarts and instances. A record that is further ahead of it than `reach` does not move it: one wrong clock must
/// not make all others late. When `recordsMin` records in a row are that far ahead, the partition is taken at its word, as
/// after a silence: the clock goes on from where a clock that had begun with them would stand. It begins the same way.
public struct EventClock: Hashable, Sendable {
    /// Records in a row that move the clock together.
    public static let recordsMin: Int32 = 100

    /// The latest event time that counts, in microseconds since 1970; nil until the partition has shown enough.
    public private(set) var time: Int64?
    /// How many records in a row were further ahead than `reach`.
    public private(set) var ahead: Int32
    /// Where the clock goes on when there are enough of those; of no meaning when there are none.
    public private(set) var candidate: Int64

    /// A clock as it was kept; without arguments, that of a partition that has shown nothing.
    public init(time: Int64? = nil, ahead: Int32 = 0, candidate: Int64 = 0) {
        self.time = time
        self.ahead = ahead
        self.candidate = candidate
    }

    /// Sees the next record.
    /// - Parameters:
    ///   - seen: its event time.
    ///   - reach: how far ahead a record may be and move the clock by itself, in microseconds.
    public mutating func see(_ seen: Int64, reach: Int64) {
        if let now = time, !Self.isBeyond(seen, now, reach) {
            time = max(now, seen)
            ahead = 0
            return
        }
        if ahead == 0 || Self.isBeyond(candidate, seen, reach) {
            // The first; or those before it were the wrong ones.
            (candidate, ahead) = (seen, 0)
        } else if !Self.isBeyond(seen, candidate, reach) {
            candidate = max(candidate, seen)
        }
        ahead += 1
        guard ahead >= Self.recordsMin else { return }
        time = candidate
        ahead = 0
    }

    /// Whether one moment is more than `reach` ahead of another, however far apart they are: producers say what they
    /// like.
    package static func isBeyond(_ moment: Int64, _ other: Int64, _ reach: Int64) -> Bool {
        moment > other && UInt64(bitPattern: moment &- other) > UInt64(reach)
    }
}
