import Dispatch
import Synchronization

/// Cancels what its connection is doing, from any thread.
///
/// A cancelled call throws an error of kind ``PostgresError/Kind/cancelled``, and the connection stays usable. If the
/// statement is done by the time the request arrives, nothing happens; a request that is under way when the next
/// statement starts hits that one.
public final class Canceller: Sendable {
    private let handle: CancelHandle
    private let wasUsed = Atomic<Bool>(false)

    init(_ handle: CancelHandle) {
        self.handle = handle
    }

    /// Asks the server to cancel. Blocks for a connection of its own, not encrypted, to the same server.
    /// - Throws: ``PostgresError/Kind/connection`` when the server cannot be reached. A retry is harmless.
    public func cancel() throws(PostgresError) {
        wasUsed.store(true, ordering: .sequentiallyConsistent)
        try handle.send()
    }

    /// Whether ``cancel()`` was called since the last question.
    func takeWasUsed() -> Bool {
        wasUsed.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Sends a request from a thread of its own; the semaphore is signalled when the server has taken it or cannot
    /// be reached. Nil when there is no thread.
    func cancelInBackground() -> DispatchSemaphore? {
        let done = DispatchSemaphore(value: 0)
        let isStarted = DetachedThread.run { [handle] in
            // Failing to reach the server shows as the missing answer of the statement itself.
            do { try handle.send() } catch {}
            done.signal()
        }
        return isStarted ? done : nil
    }
}
