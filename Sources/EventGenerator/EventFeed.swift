import Glibc

/// Makes events one after another and hands them on in chunks, as fast as they are taken or at a given pace.
package struct EventFeed {
    /// What makes the events.
    package let generator: GameEvents
    /// The number of the first event.
    package var first: UInt64
    /// How many events to make; nil makes them until the sink throws.
    package var count: UInt64?
    /// Events per second of real time; nil does not wait.
    package var rate: UInt64?
    /// How many events a chunk holds at most; fewer when that many would take longer than 20 ms at `rate`.
    package var chunkEventsMax: UInt64

    /// Creates a feed.
    package init(
        generator: GameEvents, first: UInt64 = 0, count: UInt64? = nil, rate: UInt64? = nil,
        chunkEventsMax: UInt64 = 256
    ) {
        self.generator = generator
        self.first = first
        self.count = count
        self.rate = rate
        self.chunkEventsMax = chunkEventsMax
    }

    /// Calls `sink` with chunks of whole lines, each ended by a newline; the bytes are valid during the call only.
    ///
    /// Blocks its thread while it waits for its pace.
    ///
    /// - Returns: the number of events handed on.
    /// - Throws: what `sink` throws; the feed ends there.
    @discardableResult
    package func run(into sink: (UnsafeRawBufferPointer) throws -> Void) throws -> UInt64 {
        let pace = rate.map(Pace.init(eventsPerSecond:))
        let chunkEvents = min(chunkEventsMax, pace?.chunkEvents ?? chunkEventsMax)
        let clock = ContinuousClock()
        let started = clock.now
        var buffer = EventBuffer(capacity: Int(chunkEvents) * 400 + GameEvents.eventBytesMax)
        var done: UInt64 = 0
        while done < count ?? .max {
            // A signal may cut the wait short; then it goes on.
            while let wait = pace?.wait(beforeEvent: done, elapsed: clock.now - started) { EventFeed.sleep(wait) }
            let end = min(done + chunkEvents, count ?? .max)
            buffer.truncate(to: 0)
            for index in done..<end {
                generator.append(event: first + index, into: &buffer)
            }
            try unsafe buffer.withUnsafeBytes { try unsafe sink($0) }
            done = end
        }
        return done
    }

    private static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        _ = unsafe nanosleep(&time, nil)
    }
}

/// When events are due that come at an even rate.
struct Pace: Sendable {
    /// Events per second, at least 1.
    let eventsPerSecond: UInt64

    /// How many events are due in 20 ms, at least 1.
    var chunkEvents: UInt64 {
        max(1, eventsPerSecond / 50)
    }

    /// How long to wait before event `index`, or nil when it is due `elapsed` after the start. What is late is sent at
    /// once, so the rate holds in the mean.
    func wait(beforeEvent index: UInt64, elapsed: Duration) -> Duration? {
        let due =
            Duration.seconds(index / eventsPerSecond)
            + .nanoseconds(index % eventsPerSecond * 1_000_000_000 / eventsPerSecond)
        return due > elapsed ? due - elapsed : nil
    }
}
