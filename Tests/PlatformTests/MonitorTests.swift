import Synchronization
import Testing

@testable import Platform

@Suite struct MonitorTests {
    @Test func aWaiterSeesWhatAnotherThreadChanged() throws {
        let monitor = Monitor(0)
        let threads = try (0..<4).map { number in
            try JoinableThread(name: "adds \(number)") { for _ in 0..<1_000 { monitor.update { $0 += 1 } } }
        }
        let seen = monitor.wait(timeout: .seconds(60)) { $0 == 4_000 ? $0 : nil }
        #expect(seen == 4_000)
        threads.forEach { $0.join() }
    }

    @Test func aWaitEndsWithItsTimeout() {
        let monitor = Monitor(0)
        let start = ContinuousClock.now
        let answer: Int? = monitor.wait(timeout: .milliseconds(20)) { _ in nil }
        #expect(answer == nil && .now - start >= .milliseconds(20))
    }

    /// The moment is asked again after every look.
    @Test func aWaitLooksAgainAtTheMomentItNamed() {
        let monitor = Monitor(0)
        let start = ContinuousClock.now
        var looks = 0
        let found: Int = monitor.wait(as: .others, until: { _ in .now + .milliseconds(5) }) { _ in
            looks += 1
            return looks == 4 ? looks : nil
        }
        #expect(found == 4 && .now - start >= .milliseconds(15))
    }

    @Test func whatFailsInsideIsThrownAndTheLockIsFree() {
        struct Failure: Error {}
        let monitor = Monitor(0)
        #expect(throws: Failure.self) { try monitor.update { _ in throw Failure() } }
        #expect(monitor.withLock { $0 } == 0)
    }

    @Test func anOtherThreadIsAnother() throws {
        let own = ThreadIdentity.current
        let other = Mutex<ThreadIdentity?>(nil)
        try JoinableThread(name: "another") { other.withLock { $0 = .current } }.join()
        #expect(own == .current)
        #expect(other.withLock { $0 } != own)
    }
}
