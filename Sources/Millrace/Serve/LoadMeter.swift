import Foundation

/// How much of the time of a topology's workers is work, lately. No clock.
struct LoadMeter: Sendable {
    /// What was so long ago counts a third of what is now.
    static let memory = Duration.seconds(30)
    /// Before that, too little has been seen: a start, or partitions that have just come, are not how it goes on.
    static let settling = Duration.seconds(60)

    private var first: ContinuousClock.Instant?
    private var last: (busy: Duration, at: ContinuousClock.Instant)?
    private var load: Double?

    /// Takes a look.
    /// - Parameters:
    ///   - busy: time of work of all workers since the start.
    ///   - workers: how many there are.
    /// - Returns: 0 for idle to 1 for no time left; nil while it is not known.
    mutating func measure(busy: Duration, workers: Int, at now: ContinuousClock.Instant) -> Double? {
        defer { last = (busy, now) }
        guard let last, busy >= last.busy else {
            (first, load) = (now, nil)
            return nil
        }
        if now > last.at {
            let time = (now - last.at) / .seconds(1)
            // Several sources work on what they have read beside the workers, so it may be more than all of it.
            let share = min(1, (busy - last.busy) / .seconds(1) / time / Double(max(1, workers)))
            let weight = load == nil ? 1 : 1 - exp(-time / (Self.memory / .seconds(1)))
            load = (load ?? 0) * (1 - weight) + share * weight
        }
        guard let first, now - first >= Self.settling else { return nil }
        return load
    }
}
