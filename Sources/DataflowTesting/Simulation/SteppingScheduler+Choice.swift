import Platform

/// Who goes on.
extension SteppingScheduler {
    /// One of those who can go on, by weight; when there is none, the first whose moment comes. Nil when there is none.
    func choose() -> Member? {
        var sum = 0
        for member in members where canGoOn(member) { sum += member.weight }
        guard sum > 0 else { return awaitFirst() }
        var left = Int(random.next() % UInt64(sum))
        for member in members where canGoOn(member) {
            left -= member.weight
            guard left < 0 else { continue }
            // So that who is slow changes in the course of a run.
            if random.next() % 32 == 0 { member.weight = 1 << Int(random.next() % 5) }
            return goOn(member)
        }
        preconditionFailure("weights are positive")
    }

    private func canGoOn(_ member: Member) -> Bool {
        guard member.crew.frozenUntil <= elapsed else { return false }
        switch member.standing {
        case .ready: return true
        case .waiting(_, _, let moment): return moment <= elapsed
        case .ended: return false
        }
    }

    private func goOn(_ member: Member) -> Member {
        if case .waiting = member.standing {
            member.isWoken = false
            member.standing = .ready
        }
        return member
    }

    /// Time jumps to the next moment that somebody waits for.
    private func awaitFirst() -> Member? {
        var first: (member: Member, moment: Int64)?
        for member in members {
            var moment = member.crew.frozenUntil
            if case .waiting(_, _, let deadline) = member.standing { moment = max(moment, deadline) }
            if moment < first?.moment ?? .max { first = (member, moment) }
        }
        guard let first else { return nil }
        elapsed = max(elapsed, first.moment)
        return goOn(first.member)
    }
}
