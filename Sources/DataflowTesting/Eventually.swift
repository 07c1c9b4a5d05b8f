public import Platform

/// Waits for conditions that other threads bring about.
public enum Eventually {
    /// What did not happen in time.
    public struct Timeout: Error, CustomStringConvertible {
        let what: String
        /// Names what was waited for.
        public var description: String { "waited in vain for \(what)" }
    }

    /// Asks before a wait counts as hopeless, however much time has passed: a test that gets no turn has asked seldom.
    private static let asksMin = 2_000

    /// Returns as soon as `condition` holds, asking every millisecond. The limit only ends a hopeless wait; it measures
    /// nothing, and a busy machine alone does not reach it.
    /// - Parameter progress: begins the limit anew whenever it changes, so that slowness alone ends no wait.
    /// - Throws: `Timeout` when nothing has changed for `limit`.
    public static func wait(
        for what: String, limit: Duration = .seconds(60), progress: () -> Int64 = { 0 }, until condition: () -> Bool
    ) async throws {
        var (deadline, asks) = (ContinuousClock.now + limit, 0)
        var last = progress()
        while !condition() {
            let now = progress()
            if now != last { (last, deadline, asks) = (now, .now + limit, 0) }
            asks += 1
            guard asks < asksMin || ContinuousClock.now < deadline else { throw Timeout(what: what) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Lets other threads run for a random while of up to `milliseconds`: shakes the order of events.
    public static func jitter(upTo milliseconds: Int, _ random: inout SeededRandom) async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...milliseconds, using: &random)))
    }
}
