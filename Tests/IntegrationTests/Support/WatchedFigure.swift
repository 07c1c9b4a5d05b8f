import Foundation
import Synchronization
import Testing

/// Reads a figure that should only grow again and again, as somebody does who looks at a dashboard.
final class WatchedFigure: Sendable {
    private struct Seen {
        var values: [Int64] = []
        var failure: String?
        var lastGrowth = ContinuousClock.now
        var longestPause = Duration.zero
    }

    private let seen = Mutex(Seen())
    private let isStopped = Mutex(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ database: TestDatabase, _ sql: String) {
        Thread.detachNewThread { [self] in
            while !isStopped.withLock({ $0 }) {
                do {
                    note(try database.number(sql))
                } catch {
                    seen.withLock { $0.failure = $0.failure ?? "\(error)" }
                }
                usleep(20_000)
            }
            ended.signal()
        }
    }

    private func note(_ value: Int64) {
        seen.withLock { seen in
            let now = ContinuousClock.now
            if value > seen.values.last ?? .min { seen.lastGrowth = now }
            seen.longestPause = max(seen.longestPause, now - seen.lastGrowth)
            seen.values.append(value)
        }
    }

    /// The longest time without growth since this was asked for last.
    func takeLongestPause() -> Duration {
        seen.withLock { seen in
            defer { (seen.longestPause, seen.lastGrowth) = (.zero, .now) }
            return seen.longestPause
        }
    }

    /// Ends it. Nobody who reads may have been refused, or have seen less than before.
    func stop() -> [Int64] {
        isStopped.withLock { $0 = true }
        ended.wait()
        return seen.withLock { seen in
            #expect(seen.failure == nil, "whoever reads is never refused")
            let drops = zip(seen.values, seen.values.dropFirst()).filter { $0 > $1 }
            #expect(drops.isEmpty, "less than before: \(drops.prefix(3).map { "\($0.0), then \($0.1)" })")
            return seen.values
        }
    }
}
