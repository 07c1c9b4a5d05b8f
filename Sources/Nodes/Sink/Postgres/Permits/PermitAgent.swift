import Dataflow

/// Decides for one node of one process what it holds of the permits that all share: what the database says and what the
/// node needs in, a loan and a new row out; no database, no clock.
///
/// Three things keep the number of permits in use below the limit. A process takes permits only by exchanging the row that
/// it has read for another one, which fails when the row has changed. It uses none that the row does not say are its own.
/// And a permit of a process whose session is gone is free for others only when it has been gone for `grace`, long after
/// that process, if it lives, has ended what used it (`PermitLimits.keep`).
struct PermitAgent {
    /// The row as it was read.
    struct Reading {
        var book: PermitBook
        /// The marks of sessions that live.
        var live: Set<Int32>
        /// Counts the turns, by the database's clock.
        var turn: Int
        /// When this turn ends.
        var turnEnds: ContinuousClock.Instant
    }

    /// What is to be done.
    struct Decision {
        /// What the node may use until the row is exchanged.
        var loan: PermitGate.Loan
        /// The row that is to stand there; nil when it may stay.
        var row: PermitBook?
        /// When the row must be read again, at the latest.
        var nextReading: ContinuousClock.Instant
        /// When to decide anew, without another reading; nil when nothing hangs on time.
        var nextThought: ContinuousClock.Instant?
        /// Whether more is in use than the row says is this process's: it must end at once.
        var isExceeded: Bool
        /// Whether the row is this session's, so that the loan counts.
        var isRegistered: Bool
    }

    let instance: String
    /// The lock that this process's session holds.
    var mark: Int32
    /// How long the session of a process must be known to be gone before its permits are free.
    var grace = PermitLimits.grace
    private var reading: Reading
    private var readAt: ContinuousClock.Instant
    /// Marks without a session that have permits, and since when that is known here.
    private var orphans: [Int32: ContinuousClock.Instant] = [:]
    private var peaks: (last: Int, current: Int) = (0, 0)
    private var peakSince: ContinuousClock.Instant

    init(instance: String, mark: Int32, at now: ContinuousClock.Instant) {
        (self.instance, self.mark, readAt, peakSince) = (instance, mark, now, now)
        reading = Reading(book: PermitBook(), live: [], turn: 0, turnEnds: now)
    }

    /// Takes note of the row.
    mutating func read(_ reading: Reading, at now: ContinuousClock.Instant) {
        self.reading = reading
        readAt = now
        let lost = reading.book.claims.filter { isOrphan($0) && $0.held > 0 }.map(\.mark)
        orphans = Dictionary(lost.map { ($0, orphans[$0] ?? now) }) { first, _ in first }
    }

    /// The row is what it was decided to be.
    mutating func wrote(_ row: PermitBook) { reading.book = row }

    /// The row without this process.
    var withoutOwn: PermitBook { PermitBook(claims: reading.book.claims.filter { $0.instance != instance }) }

    private func isOrphan(_ claim: PermitBook.Claim) -> Bool {
        claim.instance != instance && !reading.live.contains(claim.mark)
    }

    /// The most that the node could have used lately.
    private mutating func recentWish(_ need: PermitGate.Need, _ now: ContinuousClock.Instant) -> Int {
        if now - peakSince >= PermitLimits.window {
            let isLongAgo = now - peakSince >= PermitLimits.window * 2
            peaks = (isLongAgo ? 0 : peaks.current, 0)
            peakSince = now
        }
        peaks.current = max(peaks.current, need.peak)
        return max(peaks.last, peaks.current)
    }

    // MARK: - Deciding

    /// What is to be done now.
    mutating func decide(_ need: PermitGate.Need, at now: ContinuousClock.Instant) -> Decision {
        let recent = recentWish(need, now)
        let claims = reading.book.claims
        let mine = claims.first { $0.instance == instance }
        let others = claims.filter { $0.instance != instance && !isOrphan($0) }
        let gone = claims.filter { claim in
            isOrphan(claim) && (orphans[claim.mark].map { now - $0 < grace } ?? false)
        }
        var own =
            mine ?? PermitBook.Claim(instance: instance, mark: mark, limit: need.limit, held: 0, wish: 0)
        (own.mark, own.limit) = (mark, need.limit)
        let limit = others.reduce(need.limit) { min($0, $1.limit) }
        let lostPermits = gone.reduce(0) { $0 + $1.held }
        let lent = others.reduce(own.held + lostPermits) { $0 + $1.held }
        let isContested = others.contains(where: \.isShort) || lent > limit

        var wishes = Dictionary(others.map { ($0.instance, $0.wish) }) { first, _ in first }
        wishes[instance] = isContested ? recent : max(recent, own.held)
        let share =
            PermitBook.shares(of: max(0, limit - lostPermits), among: wishes, turn: reading.turn)[instance] ?? 0
        let allowed = isContested ? min(own.held, share) : own.held
        let held = own.held
        let wanted = min(share, need.wish)
        if wanted > held {
            own.held += max(0, min(wanted - held, limit - lent))
        } else if allowed < held {
            own.held = min(held, max(allowed, need.used))
        }
        own.wish = wish(own, grewFrom: held, share, need, recent, isContested)

        let row = PermitBook(claims: (others + gone + [own]).sorted { $0.instance < $1.instance })
        let holders = (others + gone).filter { $0.held > 0 }.map {
            PermitHolder(instance: $0.instance, held: $0.held, isGone: isOrphan($0))
        }
        return Decision(
            loan: PermitGate.Loan(limit: limit, held: held, allowed: allowed, others: holders),
            row: own == mine && row.claims.count == claims.count ? nil : row,
            nextReading: nextReading(own, need, isContested, now),
            nextThought: isContested || own.isShort ? now + PermitLimits.window : nil,
            isExceeded: need.used > held, isRegistered: mine?.mark == mark)
    }

    /// What the row is to say that this process could use. Others are told when it is short of permits, and when it no longer
    /// is, or leaves some of its share to them. Otherwise the row does not follow every batch.
    private func wish(
        _ own: PermitBook.Claim, grewFrom before: Int, _ share: Int, _ need: PermitGate.Need, _ recent: Int,
        _ isContested: Bool
    ) -> Int {
        if need.wish > own.wish, own.held > before || need.wish > own.held || isContested { return need.wish }
        guard recent < own.wish else { return own.wish }
        let leavesSome = isContested && recent <= share
        return leavesSome || (own.isShort && recent <= own.held) ? recent : own.wish
    }

    private func nextReading(
        _ own: PermitBook.Claim, _ need: PermitGate.Need, _ isContested: Bool, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let isIdle = own.held == 0 && need.wish == 0 && need.used == 0
        var next = readAt + (isIdle ? PermitLimits.idleReading : PermitLimits.reading)
        if isContested { next = min(next, max(reading.turnEnds, readAt + PermitLimits.window)) }
        if own.isShort, let first = orphans.values.min() { next = min(next, max(first + grace, now)) }
        return next
    }
}
