import Dataflow
import Foundation
import Synchronization

/// A thread that does something small every few seconds until it is told to stop, such as telling the database that this
/// instance is alive.
final class LifeSigns: Sendable {
    private let isStopped = Mutex(false)
    private let condition = NSCondition()

    /// Begins.
    /// - Parameter give: gives one sign; its context is cancelled by `stop`.
    func start(every interval: Duration, _ give: @escaping @Sendable (CommitContext) -> Void) {
        let context = CommitContext(
            isCancelled: { [self] in isStopped.withLock { $0 } }, reportTrouble: { _ in },
            wait: { [self] duration in wait(duration) })
        let thread = Thread { [self] in
            while true {
                wait(interval)
                if context.isCancelled { return }
                give(context)
            }
        }
        thread.name = "signs of life"
        thread.start()
    }

    /// Ends it; a sign under way gives up soon.
    func stop() {
        isStopped.withLock { $0 = true }
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    private func wait(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let end = Date(timeIntervalSinceNow: Double(seconds) + Double(attoseconds) / 1e18)
        condition.lock()
        defer { condition.unlock() }
        while !isStopped.withLock({ $0 }) {
            if !condition.wait(until: end) { return }
        }
    }
}
