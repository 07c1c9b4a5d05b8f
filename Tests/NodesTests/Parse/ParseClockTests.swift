import Testing

@testable import Dataflow
@testable import Nodes

/// The clocks of partitions, as a `parse_json` node keeps them from batch to batch.
@Suite struct ParseClockTests {
    private static let stored = EventClock(time: 5_000_000)
    private static let documents = "{ fields: { ts: timestamp(s) }, event_time: ts }"
    private static let elements = "{ each: r, fields: { ts: timestamp(s) }, event_time: ts }"

    private static func worker(_ declaration: String) throws -> (any OperatorWorker, BatchLayout) {
        let plan = try ParseStand(declaration).plan
        return (ParseJSON(plan, clockReach: 1_000_000).makeWorker(in: StageSlot()), BatchLayout(plan.columnTypes))
    }

    /// One run of partition 0.
    /// - Parameters:
    ///   - message: the time of the messages in milliseconds.
    ///   - clock: the stored clock, when it is the first run since the partition was claimed or read again.
    private static func batch(
        _ layout: BatchLayout, _ payloads: [String], _ framing: Framing = .document, tombstones: Int = 0,
        sentAt message: Int64? = nil, begins clock: EventClock?? = nil
    ) -> Batch {
        let batch = Batch(payloadBytes: 1 << 12, layout: layout)
        batch.framing = framing
        for (offset, payload) in payloads.enumerated() {
            unsafe Array(payload.utf8).withUnsafeBytes {
                unsafe batch.append($0, offset: Int64(offset), timestamp: message)
            }
        }
        let count = Int64(payloads.count + tombstones)
        batch.runs = [
            BatchRun(
                partition: 0, messages: 0..<payloads.count, tombstones: tombstones, nextOffset: count, tail: nil)
        ]
        if let clock { (batch.runs[0].beginsClock, batch.runs[0].clock) = (true, clock) }
        return batch
    }

    /// What the clock of the run shows once a worker has seen the batch.
    private static func clock(behind batch: Batch, _ worker: any OperatorWorker) -> EventClock? {
        worker.process(batch, unsafe RowSelection(rows: nil, count: 0)) { _ in }
        return batch.runs[0].clock
    }

    @Test(arguments: [
        (Self.documents, [], Framing.document, 3), (Self.documents, [""], .lines, 0),
        (Self.documents, ["\n \n"], .lines, 1),
        (Self.elements, [#"{"r":[]}"#], .document, 0),
    ])
    func aRunWithoutARowTakesOverTheStoredClock(
        declaration: String, payloads: [String], framing: Framing, tombstones: Int
    ) throws {
        let (worker, layout) = try Self.worker(declaration)
        func empty(begins clock: EventClock?? = nil) -> Batch {
            Self.batch(layout, payloads, framing, tombstones: tombstones, begins: clock)
        }
        let next = declaration == Self.elements ? #"{"r":[{"ts":6}]}"# : #"{"ts":6}"#
        #expect(Self.clock(behind: empty(begins: Self.stored), worker) == Self.stored)
        #expect(Self.clock(behind: Self.batch(layout, [next]), worker) == EventClock(time: 6_000_000))
        // After a rewind: not from where this worker had got to.
        #expect(Self.clock(behind: empty(begins: Self.stored), worker) == Self.stored)
        #expect(Self.clock(behind: Self.batch(layout, [next]), worker) == EventClock(time: 6_000_000))
        #expect(Self.clock(behind: empty(begins: .some(nil)), worker) == EventClock())
        #expect(Self.clock(behind: empty(), worker) == EventClock())
    }

    /// What every summary with bounds refuses says nothing of how far a partition has got.
    @Test func whatIsTooEarlyIsNotShown() throws {
        let (worker, layout) = try Self.worker(Self.documents)
        func shown(_ times: [Int64], sentAt message: Int64? = nil) -> Int64? {
            let batch = Self.batch(layout, times.map { "{\"ts\":\($0)}" }, sentAt: message, begins: Self.stored)
            _ = Self.clock(behind: batch, worker)
            return batch.runs[0].eventTime
        }
        #expect(shown([4, 6, 900, 5]) == 6_000_000)
        #expect(shown([900]) == nil)
        #expect(shown([6, 900, 5], sentAt: 899_500) == 900_000_000)
        // A clock that has not begun refuses nothing.
        let batch = Self.batch(layout, [#"{"ts":900}"#, #"{"ts":5}"#], begins: .some(nil))
        _ = Self.clock(behind: batch, worker)
        #expect(batch.runs[0].eventTime == 900_000_000)
    }
}
