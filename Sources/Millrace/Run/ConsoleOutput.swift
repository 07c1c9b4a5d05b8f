import Foundation
import Synchronization

/// Standard output as the `console` sinks of a topology use it: what cannot be written stops the topology, with an error.
final class ConsoleOutput: Sendable {
    /// Standard output takes no more.
    struct Failure: Error, CustomStringConvertible {
        let reason: String
        var description: String { "console: standard output cannot be written: \(reason)" }
    }

    private struct State {
        var failure: Failure?
        var onFailure: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Why writing failed first, nil when it did not.
    var failure: Failure? { state.withLock { $0.failure } }

    /// Has `body` called when writing fails.
    func onFailure(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onFailure = body } }

    /// Writes bytes, whole. After a failure nothing more is written.
    func write(_ bytes: [UInt8]) {
        guard failure == nil else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                fail(Failure(reason: errno == EPIPE ? "its reader is gone" : unsafe String(cString: strerror(errno))))
                return
            }
        }
    }

    private func fail(_ failure: Failure) {
        let onFailure = state.withLock { state in
            state.failure = failure
            return state.onFailure
        }
        onFailure?()
    }
}
