import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT for a program that has to end in order: the first asks for it and starts a deadline, a second one or
/// the deadline ends the process on the spot, whatever hangs.
///
/// What was read and not committed is not lost: the next run reads it again.
///
/// `@unchecked Sendable`: Dispatch's sources are not marked as what they are, safe to use from any thread.
final class StopWatch: @unchecked Sendable {
    /// From the first signal to the end of the process.
    static let deadline = Duration.seconds(10)
    /// Of which this much is for the last commit; then blocking calls are told to give up.
    static let commitTime = Duration.seconds(6)

    private struct State {
        var isAsked = false
        var hasEnded = false
    }

    private static let signals = [SIGTERM, SIGINT]
    private let sources: [any DispatchSourceSignal]
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "signals", qos: .userInitiated)
    private let ask: @Sendable () -> Void
    private let lastWords: @Sendable () -> String

    /// Watches from now on, for the whole process.
    /// - Parameters:
    ///   - ask: begins an orderly end; called once, must return at once.
    ///   - lastWords: what the user must know when the end was not orderly.
    init(ask: @escaping @Sendable () -> Void, lastWords: @escaping @Sendable () -> String) {
        self.ask = ask
        self.lastWords = lastWords
        for number in Self.signals { signal(number, SIG_IGN) }
        let queue = queue
        sources = Self.signals.map { DispatchSource.makeSignalSource(signal: $0, queue: queue) }
        for source in sources {
            source.setEventHandler { [weak self] in self?.received() }
            source.resume()
        }
    }

    /// Gives the signals back their usual meaning.
    func end() {
        state.withLock { $0.hasEnded = true }
        for source in sources { source.cancel() }
        for number in Self.signals { signal(number, SIG_DFL) }
    }

    private func received() {
        let isFirst = state.withLock { state in
            defer { state.isAsked = true }
            return !state.isAsked
        }
        guard isFirst else { die("a second signal came before everything was committed") }
        queue.asyncAfter(deadline: .now() + Self.deadline / .seconds(1)) { [weak self] in
            guard let self, !self.state.withLock({ $0.hasEnded }) else { return }
            self.die("the end took more than \(Int(Self.deadline / .seconds(1))) s, so it is not waited for")
        }
        ask()
    }

    private func die(_ reason: String) -> Never {
        // Should even the last words hang, SIGALRM ends the process.
        signal(SIGALRM, SIG_DFL)
        alarm(1)
        StandardError.write("millrace: \(reason); \(lastWords())")
        _exit(1)
    }
}
