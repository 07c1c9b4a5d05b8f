import Testing

@testable import Dataflow

@Suite struct BatchTests {
    private static func batch(rows: Int, bad: Set<Int> = []) -> Batch {
        let batch = Batch(payloadBytes: 64, layout: BatchLayout([.integer]))
        for row in 0..<rows {
            unsafe withUnsafeBytes(of: row) { unsafe batch.append($0, offset: Int64(row), timestamp: nil) }
        }
        batch.beginRows(rows)
        for row in 0..<rows { unsafe batch.status[row] = bad.contains(row) ? 1 : 0 }
        return batch
    }

    private static func run(_ rows: Range<Int>, tombstones: Int = 0) -> BatchRun {
        var run = BatchRun(
            partition: 0, from: 0, messages: rows, tombstones: tombstones, nextOffset: Int64(rows.upperBound),
            tail: Tail(offset: 0, timestamp: nil, checksum: 0))
        run.rows = rows
        return run
    }

    private static func mark(_ rows: [UInt32], in batch: Batch) {
        unsafe rows.withUnsafeBufferPointer {
            unsafe batch.markApplied(RowSelection(rows: $0.baseAddress, count: $0.count))
        }
    }

    @Test func messagesSurviveTheGrowthOfTheBuffer() {
        let batch = Self.batch(rows: 1_000)
        for (row, message) in batch.messages.enumerated() {
            let value = unsafe batch.base.loadUnaligned(fromByteOffset: Int(message.start), as: Int.self)
            #expect(value == row)
        }
        #expect(batch.capacity >= 2 * batch.length)
    }

    @Test func whatNobodyAppliedIsFiltered() {
        let batch = Self.batch(rows: 10, bad: [3])
        let counters = batch.counters(of: Self.run(0..<10, tombstones: 2))
        #expect(counters.read == 12 && counters.dead == 1 && counters.applied == 0 && counters.filtered == 11)
    }

    @Test func aRecordIsAppliedOnceHoweverManyNodesItReaches() {
        let batch = Self.batch(rows: 10, bad: [3])
        Self.mark([0, 1, 2], in: batch)
        Self.mark([2, 4], in: batch)
        let counters = batch.counters(of: Self.run(0..<10))
        #expect(counters.applied == 4 && counters.dead == 1 && counters.filtered == 5)
        #expect(counters.isBalanced)
    }

    /// One table cannot hold the record and another one has counted it: in the ledger it is dead, and nothing else.
    @Test func aRecordThatOneOfTwoTablesRefusesIsDead() {
        let batch = Self.batch(rows: 10)
        unsafe batch.markApplied(RowSelection(rows: nil, count: 10))
        let letter = DeadLetter(
            partition: 0, offset: 4, line: 0, fault: RecordFault("refused", "refused"), payload: [], timestamp: nil)
        batch.markRefused(4, letter)
        batch.markRefused(4, letter)
        let counters = batch.counters(of: Self.run(0..<10))
        #expect(counters.read == 10 && counters.applied == 9 && counters.dead == 1 && counters.filtered == 0)
        #expect(counters.isBalanced && batch.deadLetters.count == 1)
    }

    /// What is too late for one node and dead for another is dead; what is only too late is refused, whoever applied it.
    @Test func aRecordThatIsTooLateIsRefused() {
        let batch = Self.batch(rows: 10)
        unsafe batch.markApplied(RowSelection(rows: nil, count: 10))
        let letter = DeadLetter(
            partition: 0, offset: 4, line: 0, fault: RecordFault("too_late", "late"), payload: [], timestamp: nil)
        batch.markRefused(4, letter, isDead: false)
        batch.markRefused(5, letter, isDead: false)
        batch.markRefused(5, letter)
        batch.markRefused(5, letter, isDead: false)
        let counters = batch.counters(of: Self.run(0..<10))
        #expect(counters.refused == 1 && counters.dead == 1 && counters.applied == 8 && counters.filtered == 0)
        #expect(counters.isBalanced && batch.deadLetters.count == 2)
    }

    /// A letter says everybody who has refused its record, in order, and as what the record counts.
    @Test func aLetterSaysWhoHasRefusedItsRecord() {
        let batch = Self.batch(rows: 10)
        func letter(_ reason: String) -> DeadLetter {
            DeadLetter(partition: 0, offset: 4, line: 0, fault: RecordFault("r", reason), payload: [], timestamp: nil)
        }
        batch.markRefused(4, letter("b"), by: "second", isDead: false)
        batch.markRefused(4, letter("a"), by: "first")
        batch.markRefused(4, letter("c"), by: "second", isDead: false)
        batch.markRefused(5, letter("late"), by: "second", isDead: false)
        #expect(batch.deadLetters.map(\.fault.reason) == ["a", "late"])
        #expect(batch.deadLetters.map(\.refusers) == [["first", "second"], ["second"]])
        #expect(batch.deadLetters.map(\.isDead) == [true, false])
    }

    /// Keys are kept for the messages that have one, cut where they are long, and forgotten with the batch's messages.
    @Test func keysAreFoundByTheirMessage() {
        let batch = Batch(payloadBytes: 64, layout: BatchLayout())
        for round in 0..<2 {
            var expected: [[UInt8]?] = []
            for number in 0..<500 {
                unsafe batch.append(UnsafeRawBufferPointer(start: nil, count: 0), offset: Int64(number), timestamp: nil)
                guard number % 3 == round else {
                    expected.append(nil)
                    continue
                }
                let key = [UInt8](repeating: UInt8(number % 251), count: number)
                unsafe key.withUnsafeBytes { unsafe batch.appendMessageKey($0) }
                expected.append(Array(key.prefix(Limits.messageKeyBytesMax)))
            }
            let wrong = (0..<500).filter { batch.messageKey($0) != expected[$0] }
            #expect(wrong == [])
            batch.reset()
        }
        #expect(batch.messageKey(0) == nil)
    }

    @Test(arguments: [("", 0), ("{}", 1), ("{}\n", 1), ("{}\n{}\n", 2), ("{}\n{}", 2)])
    func recordsThatWereNotParsedAreEstimated(payload: String, expected: Int64) {
        let batch = Batch(payloadBytes: 64, layout: BatchLayout())
        batch.framing = .chunk
        unsafe Array(payload.utf8).withUnsafeBytes { unsafe batch.append($0, offset: 0, timestamp: nil) }
        #expect(batch.estimatedRecords(of: Self.run(0..<1)) == expected)
    }

    @Test func allRowsAppliedIsKnownWithoutALookAtEach() {
        let batch = Self.batch(rows: 10)
        unsafe batch.markApplied(RowSelection(rows: nil, count: 10))
        Self.mark([1], in: batch)
        #expect(batch.counters(of: Self.run(2..<7)).applied == 5)
    }

    @Test func anEmptiedBatchGivesHugeMemoryBack() {
        let batch = Batch(payloadBytes: 64, layout: BatchLayout())
        let huge = [UInt8](repeating: 1, count: 1 << 20)
        unsafe huge.withUnsafeBytes { unsafe batch.append($0, offset: 0, timestamp: nil) }
        #expect(batch.capacity > 1 << 20)
        batch.reset()
        batch.shrink(payloadBytes: 64)
        #expect(batch.capacity < 1_024)
        #expect(batch.messages.isEmpty && batch.length == 0)
    }
}
