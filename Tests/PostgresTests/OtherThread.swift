import Dispatch
import Postgres
import Synchronization

/// Runs a body with a connection on another thread, and hands its answer over.
final class OtherThread<Answer: Sendable>: Sendable {
    private let answer = Mutex<Answer?>(nil)
    private let done = DispatchSemaphore(value: 0)
    private let connection: Mutex<Connection?>

    init(_ connection: consuming Connection, _ body: @escaping @Sendable (inout Connection) -> Answer) {
        self.connection = Mutex(consume connection)
        DispatchQueue.global().async { [self] in
            let value: Answer? = self.connection.withLock { slot in
                guard var connection = slot.take() else { return nil }
                return body(&connection)
            }
            answer.withLock { $0 = value }
            done.signal()
        }
    }

    /// Blocks, at most half a minute.
    func wait() -> Answer? {
        _ = done.wait(timeout: .now() + 30)
        return answer.withLock { $0 }
    }
}
