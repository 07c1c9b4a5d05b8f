import Dataflow
import Foundation
import Platform
import Synchronization

/// SIGTERM and SIGINT for a program that has to end in order: the first asks for it and starts a deadline, a second one or
/// the deadline ends the process on the spot, whatever hangs.
///
/// What was read and not committed is not lost: the next run reads it again. A handler counts the signals and a thread of its
/// own acts on them: Dispatch's sources lose what comes while they are being registered.
final class StopWatch: Sendable {
    /// From the first signal to the end of the process.
    static let deadline = Duration.seconds(10)
    /// Of which this much is for the last commit; then blocking calls are told to give up.
    static let commitTime = Duration.seconds(6)

    private static let signals = [SIGTERM, SIGINT]
    private static let received = Atomic(0)
    /// How often is looked whether all is over, once a signal has come.
    private static let pause: UInt32 = 20_000
    /// Posted by the handler, which may do little else, and by `end`.
    nonisolated(unsafe) private static let news: UnsafeMutablePointer<sem_t> = {
        let news = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        unsafe sem_init(news, 0, 0)
        return unsafe news
    }()

    private let hasEnded = Atomic(false)
    private let ask: @Sendable () -> Void
    private let lastWords: @Sendable () -> String

    /// Watches from now on, for the whole process; one at a time.
    /// - Parameters:
    ///   - ask: begins an orderly end; called once, must return at once.
    ///   - lastWords: what the user must know when the end was not orderly.
    /// - Throws: `NoThread`.
    init(ask: @escaping @Sendable () -> Void, lastWords: @escaping @Sendable () -> String) throws {
        self.ask = ask
        self.lastWords = lastWords
        Self.received.store(0, ordering: .relaxed)
        _ = unsafe Self.news  // Made here, not in the handler.
        for number in Self.signals {
            signal(number) { _ in
                StopWatch.received.wrappingAdd(1, ordering: .relaxed)
                unsafe sem_post(StopWatch.news)
            }
        }
        _ = try JoinableThread(name: "signals") { self.watch() }
    }

    /// Gives the signals back their usual meaning.
    func end() {
        hasEnded.store(true, ordering: .relaxed)
        for number in Self.signals { signal(number, SIG_DFL) }
        unsafe sem_post(Self.news)
    }

    private func watch() {
        while Self.received.load(ordering: .relaxed) == 0 {
            if hasEnded.load(ordering: .relaxed) { return }
            unsafe sem_wait(Self.news)
        }
        let end = ContinuousClock.now + Self.deadline
        ask()
        while !hasEnded.load(ordering: .relaxed) {
            if Self.received.load(ordering: .relaxed) > 1 {
                die("a second signal came before everything was committed")
            }
            if ContinuousClock.now >= end { die("the end took more than \(Self.deadline), so it is not waited for") }
            usleep(Self.pause)
        }
    }

    private func die(_ reason: String) -> Never {
        // Should even the last words hang, SIGALRM ends the process.
        signal(SIGALRM, SIG_DFL)
        alarm(1)
        StandardError.write("millrace: \(reason); \(lastWords())")
        _exit(1)
    }
}
