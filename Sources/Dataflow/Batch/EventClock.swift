/// How far in event time a partition has got: what its records are called too late or too early by.
///
/// It sees the good records of the partition in the order of its log, so it is a function of the log alone, whatever the
/// batches, restarts and instances. A record that is further ahead of it than `reach` does not move it: one wrong clock must
/// not make all others late. It only speaks for another time, the candidate, and with `wordsMin` words the candidate is it.
///
/// Records within `reach` of the clock speak against the candidate; those further behind it, which are late, say nothing of
/// how far the partition has got. The clock begins the same way, with the first records that mostly agree.
public struct EventClock: Hashable, Sendable {
    /// Words that move the clock: those of a hundred records, or of ten that their messages vouch for.
    public static let wordsMin: Int32 = 100
    /// How much a record says whose message is no older than it, give or take the reach: after a silence.
    static let wordsOfVouched: Int32 = 10

    /// The latest event time that counts, in microseconds since 1970; nil until the partition has shown enough.
    public private(set) var time: Int64?
    /// How much has been said for the candidate, less what was said against it.
    public private(set) var ahead: Int32
    /// Where the clock goes on when that is enough; of no meaning when it is nothing.
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
    ///   - message: the time of its message, nil when it has none.
    public mutating func see(_ seen: Int64, reach: Int64, message: Int64? = nil) {
        let isVouched = message.map { !Self.isBeyond(seen, $0, reach) } ?? false
        let words = isVouched ? Self.wordsOfVouched : 1
        if let now = time, !Self.isBeyond(seen, now, reach) {
            time = max(now, seen)
            if !Self.isBeyond(now, seen, reach) { ahead = max(0, ahead - words) }
            return
        }
        if ahead == 0 {
            (candidate, ahead) = (seen, words)
        } else if Self.isBeyond(candidate, seen, reach) {
            // One of the two is wrong, and those before it may have been.
            if ahead > words { ahead -= words } else { (candidate, ahead) = (seen, words) }
        } else {
            // What is far ahead says at least that the partition has got to the candidate.
            if isVouched || !Self.isBeyond(seen, candidate, reach) { candidate = max(candidate, seen) }
            ahead += words
        }
        guard ahead >= Self.wordsMin else { return }
        time = candidate
        ahead = 0
    }

    /// Whether one moment is more than `reach` ahead of another, however far apart they are: producers say what they
    /// like.
    package static func isBeyond(_ moment: Int64, _ other: Int64, _ reach: Int64) -> Bool {
        moment > other && UInt64(bitPattern: moment &- other) > UInt64(reach)
    }
}
