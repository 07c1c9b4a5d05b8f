/// How short memory is, and what the pipeline does about it; each level includes those before it.
///
/// Looked at once per batch. It decides when epochs close, how large batches are and when reading waits, never what comes
/// out: every state is a commutative merge, and an epoch may close after any batch.
public enum MemoryPressure: Int, Comparable, Sendable, CaseIterable {
    /// All is well.
    case none
    /// The groups take an epoch's share: the epoch being filled closes as soon as the one before is written.
    case closeEarly
    /// The epoch being filled is past half of its share while another is still being written: batches are a quarter of
    /// their size, and the memory they give up is free.
    case shrinkBatches
    /// The epoch being filled has its share too, or everything together is used up: sources get no batch until the other
    /// one is written.
    case stopReading

    /// The pressure an account is under.
    /// - Parameter sealed: bytes of `groups` that belong to an epoch on its way to the database; nil when there is none.
    ///   Then reading never stops: there would be nothing to wait for. 0 while the epoch being filled waits for its turn.
    public static func of(_ account: MemoryAccount, sealed: Int?) -> MemoryPressure {
        let share = account.epochShare
        let (groups, rows) = (account[.groups], account[.rows])
        guard let sealed else { return groups + rows >= share ? .closeEarly : .none }
        let filling = groups - sealed
        if filling >= share || groups >= 2 * share || groups + rows >= 3 * share { return .stopReading }
        if 2 * filling >= share || 2 * (groups + rows) >= 5 * share { return .shrinkBatches }
        return groups >= share ? .closeEarly : .none
    }

    /// Left is less pressure than right.
    public static func < (left: MemoryPressure, right: MemoryPressure) -> Bool { left.rawValue < right.rawValue }

    /// Payload bytes of a batch under this pressure.
    public func batchBytes(of full: Int) -> Int {
        self >= .shrinkBatches ? max(min(full, Limits.batchBytesMin), full / 4) : full
    }
}

/// Tells when pressure begins and ends, once each: what comes and goes within seconds is one episode.
///
/// A value without a clock: moments in, news out.
struct PressureWatch {
    /// Something to log.
    enum News: Equatable {
        case pressureBegan, pressureEnded, readingStopped, readingGoesOn
    }

    private var pressure = Episode()
    private var stop = Episode()

    /// Takes note of the pressure at a moment.
    /// - Returns: what is to be logged.
    mutating func look(_ level: MemoryPressure, at now: ContinuousClock.Instant) -> [News] {
        var news: [News] = []
        if pressure.look(level > .none, at: now) { news.append(pressure.isOn ? .pressureBegan : .pressureEnded) }
        if stop.look(level == .stopReading, at: now) { news.append(stop.isOn ? .readingStopped : .readingGoesOn) }
        return news
    }

    /// When `look` has news if nothing else happens, nil when it has none.
    var nextMoment: ContinuousClock.Instant? { [pressure.end, stop.end].compactMap { $0 }.min() }

    /// Something that is on, and stays on until it has been gone for a while.
    private struct Episode {
        private(set) var isOn = false
        /// When it will have been gone long enough.
        private(set) var end: ContinuousClock.Instant?

        /// Whether it has just begun or ended.
        mutating func look(_ isThere: Bool, at now: ContinuousClock.Instant) -> Bool {
            if isThere {
                end = nil
                defer { isOn = true }
                return !isOn
            }
            guard isOn else { return false }
            guard let end else {
                self.end = now + Limits.pressureGone
                return false
            }
            guard now >= end else { return false }
            self.end = nil
            isOn = false
            return true
        }
    }
}
