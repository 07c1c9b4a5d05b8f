import Foundation
public import Platform

/// Waits for conditions that other threads bring about.
public enum Eventually {
    /// What did not happen in time.
    public struct Timeout: Error, CustomStringConvertible {
        let what: String
        /// Names what was waited for.
        public var description: String { "waited in vain for \(what)" }
    }

    /// Returns as soon as `condition` holds, asking every millisecond. The limit only ends a hopeless wait; it measures
    /// nothing, and a busy machine alone does not reach it: this process must have had some of the time, too.
    /// - Parameter progress: begins the limit anew whenever it changes, so that slowness alone ends no wait.
    /// - Throws: `Timeout` when nothing has changed for `limit`.
    public static func wait(
        for what: String, limit: Duration = .seconds(60), progress: () -> Int64 = { 0 }, until condition: () -> Bool
    ) async throws {
        var patience = Patience(limit)
        var last = progress()
        while !condition() {
            let now = progress()
            if now != last { (last, patience) = (now, Patience(limit)) }
            if patience.isOver { throw Timeout(what: what) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// A limit by the clock that counts only when this process has had a quarter of it on a processor, or ten times passed.
    private struct Patience {
        private let limit: Duration
        private let start = ContinuousClock.now
        private let used = Self.processorTime

        init(_ limit: Duration) { self.limit = limit }

        var isOver: Bool {
            let passed = ContinuousClock.now - start
            return passed >= limit && (Self.processorTime - used >= limit / 4 || passed >= limit * 10)
        }

        /// What all threads of this process have had so far.
        private static var processorTime: Duration {
            var time = timespec()
            unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }

    /// Lets other threads run for a random while of up to `milliseconds`: shakes the order of events.
    public static func jitter(upTo milliseconds: Int, _ random: inout SeededRandom) async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...milliseconds, using: &random)))
    }
}
