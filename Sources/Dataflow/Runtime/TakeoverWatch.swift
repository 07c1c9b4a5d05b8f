/// When a partition that another instance has claimed may be claimed back, as a value: what the database says goes in with
/// the moment, the decision comes out.
///
/// Two instances that are alive must not take a partition from each other in turn: as long as its position moves, somebody
/// reads it, and that is all that is wanted. One that stands still for the whole patience has lost its reader, or has
/// nothing to read, and then a claim costs the other one nothing but a rewind. Each claim that is followed by another
/// takeover soon doubles the patience.
struct TakeoverWatch: Sendable {
    /// How long the position must stand still before the first claim.
    private let base: Duration
    /// Claims allowed lately.
    private var allowed = 0
    private var lastAllowed: ContinuousClock.Instant?
    /// What the database said last, and since when.
    private var seen: Sighting?
    private var stillSince: ContinuousClock.Instant
    /// Whether the partition may be claimed now.
    private(set) var isClaimable = false

    /// What tells that a partition is being read.
    private struct Sighting: Equatable {
        var ownerEpoch: Int64?
        var nextOffset: Int64?
    }

    /// Begins at the moment when the takeover was found out.
    init(patience: Duration, at now: ContinuousClock.Instant) {
        base = patience
        stillSince = now
    }

    /// How long the position must stand still now.
    var patience: Duration { min(base * (1 << min(allowed, 20)), max(base, Limits.takeoverPatienceMax)) }

    /// The partition was taken over again.
    mutating func takenOver(at now: ContinuousClock.Instant) {
        if let lastAllowed, now - lastAllowed > patience * 4 { allowed = 0 }
        stillSince = now
        seen = nil
        isClaimable = false
    }

    /// Takes note of what the database says; nil when it has no row.
    mutating func look(_ row: ClaimedPartition?, at now: ContinuousClock.Instant) {
        let sighting = Sighting(ownerEpoch: row?.ownerEpoch, nextOffset: row?.nextOffset)
        if let seen, seen != sighting { stillSince = now }
        seen = sighting
        guard !isClaimable, now - stillSince >= patience else { return }
        isClaimable = true
        allowed += 1
        lastAllowed = now
    }

    /// When to look again.
    var interval: Duration { min(Limits.takeoverLook, base / 4) }
}
