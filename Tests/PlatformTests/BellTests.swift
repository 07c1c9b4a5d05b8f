import Testing

@testable import Platform

@Suite struct BellTests {
    @Test func whatWasRungBeforeIsHeardAtOnce() throws {
        let bell = try Bell()
        for _ in 0..<100_000 { bell.ring() }
        bell.wait(until: .now + .seconds(3_600))
        let begun = ContinuousClock.now
        bell.wait(until: .now + .milliseconds(20))
        #expect(ContinuousClock.now - begun >= .milliseconds(20), "it was heard already")
    }

    @Test func aThreadIsWokenHoweverOftenItListens() async throws {
        try await onThread(named: "test") {
            let bell = try Bell()
            let ringer = try JoinableThread(name: "ringer") { for _ in 0..<1_000 { bell.ring() } }
            ringer.join()
            bell.wait(until: .now + .seconds(3_600))
            let other = try JoinableThread(name: "other") { bell.ring() }
            bell.wait(until: .now + .seconds(3_600))
            other.join()
        }
    }
}
