import Foundation
import Testing

@testable import Millrace

/// In processes of their own: what is tested ends the process.
@Suite struct StopWatchTests {
    @Test func theFirstSignalAsks() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let watch = try StopWatch(ask: { _exit(7) }, lastWords: { "" })
            kill(getpid(), SIGTERM)
            while true { withExtendedLifetime(watch) { _ = pause() } }
        }
    }

    @Test func aSecondSignalEndsWhateverHangs() async {
        await #expect(processExitsWith: .exitCode(1)) {
            // Each signal is answered with the next one, so that none is merged with another.
            let watch = try StopWatch(ask: { kill(getpid(), SIGINT) }, lastWords: { "5 records were read" })
            kill(getpid(), SIGTERM)
            while true { withExtendedLifetime(watch) { _ = pause() } }
        }
    }

    @Test func lastWordsThatHangAreNotWaitedFor() async {
        await #expect(processExitsWith: .signal(SIGALRM)) {
            let watch = try StopWatch(
                ask: { kill(getpid(), SIGINT) },
                lastWords: {
                    while true { _ = pause() }
                })
            kill(getpid(), SIGTERM)
            while true { withExtendedLifetime(watch) { _ = pause() } }
        }
    }
}
