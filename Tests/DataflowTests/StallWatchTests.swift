import Testing

@testable import Dataflow

@Suite struct StallWatchTests {
    private let start = ContinuousClock.now

    @Test func whatWaitsIsTimedFromTheLastCommit() {
        var watch = StallWatch()
        watch.look(waiting: 0, epochs: 3, at: start)
        #expect(watch.since == nil)
        watch.look(waiting: 10, epochs: 3, at: start + .seconds(5))
        watch.look(waiting: 20, epochs: 3, at: start + .seconds(9))
        #expect(watch.since == start + .seconds(5))
        // Under load something always waits, and something is committed.
        watch.look(waiting: 20, epochs: 4, at: start + .seconds(10))
        #expect(watch.since == start + .seconds(10))
        watch.look(waiting: 0, epochs: 5, at: start + .seconds(11))
        #expect(watch.since == nil)
        watch.look(waiting: 1, epochs: 5, at: start + .seconds(60))
        #expect(watch.since == start + .seconds(60))
    }

    @Test func aStallIsSaidOnceAndItsEndToo() {
        var watch = StallWatch()
        #expect(watch.news(nil, at: start) == nil)
        #expect(watch.news("a", at: start) == .began("a"))
        #expect(watch.news("b", at: start + .seconds(1)) == nil)
        #expect(watch.news(nil, at: start + .seconds(2)) == .over)
        #expect(watch.news(nil, at: start + .seconds(3)) == nil)
        // Slow commits come one after the other.
        #expect(watch.news("c", at: start + .seconds(8)) == nil)
        #expect(watch.news(nil, at: start + .seconds(9)) == nil)
        #expect(watch.news("d", at: start + Limits.stallRepeat) == .began("d"))
    }
}
