import Testing

@testable import EventGenerator

@Suite struct EventFeedTests {
    struct Stopped: Error {}

    @Test func chunksAreWholeLinesAndTogetherTheEvents() throws {
        let generator = GameEvents(.init(seed: 12))
        for chunkEventsMax: UInt64 in [1, 7, 100, 256, 10_000] {
            var bytes: [UInt8] = []
            let feed = EventFeed(generator: generator, first: 5, count: 1000, chunkEventsMax: chunkEventsMax)
            let done = try unsafe feed.run { chunk in
                unsafe #expect(chunk.last == UInt8(ascii: "\n"))
                unsafe #expect(chunk.count { $0 == UInt8(ascii: "\n") } <= chunkEventsMax)
                unsafe bytes.append(contentsOf: chunk)
            }
            #expect(done == 1000)
            var expected = EventBuffer(capacity: 64)
            for index in UInt64(5)..<1005 { generator.append(event: index, into: &expected) }
            let same = unsafe expected.withUnsafeBytes { unsafe $0.elementsEqual(bytes) }
            #expect(same, "seed 12, \(chunkEventsMax) events a chunk")
        }
    }

    @Test func anEndlessFeedEndsWhenTheSinkThrows() {
        var chunks = 0
        #expect(throws: Stopped.self) {
            try unsafe EventFeed(generator: GameEvents(.init())).run { _ in
                chunks += 1
                if chunks == 3 { throw Stopped() }
            }
        }
        #expect(chunks == 3)
    }

    @Test func paceSpreadsEventsEvenly() {
        let pace = Pace(eventsPerSecond: 300)
        #expect(pace.chunkEvents == 6)
        #expect(Pace(eventsPerSecond: 10).chunkEvents == 1)
        #expect(pace.wait(beforeEvent: 0, elapsed: .zero) == nil)
        #expect(pace.wait(beforeEvent: 300, elapsed: .milliseconds(400)) == .milliseconds(600))
        #expect(pace.wait(beforeEvent: 450, elapsed: .seconds(1)) == .milliseconds(500))
        #expect(pace.wait(beforeEvent: 450, elapsed: .seconds(2)) == nil)
    }
}
