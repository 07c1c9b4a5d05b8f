import Testing

@testable import Dataflow

/// How large batches are in front of a node that may take long over a record.
@Suite struct BatchPaceTests {
    /// Lets batches pass a node that takes so long over a record, and a while to begin with.
    /// - Returns: the messages of the batch after each of them.
    private func sizes(
        _ batches: Int, perRecord: Duration, perBatch: Duration = .zero, pace: inout BatchPace, isFull: Bool = true
    ) -> [Int] {
        (0..<batches).map { _ in
            let messages = pace.messages(of: 8_192)
            pace.passed(in: perBatch + perRecord * messages, isFull: isFull)
            return pace.messages(of: 8_192)
        }
    }

    @Test func batchesGrowWhileTheyPassQuickly() {
        var pace = BatchPace(commitInterval: .milliseconds(250))
        #expect(pace.messages(of: 8_192) == 16)
        #expect(pace.bytes(of: 512 << 10) == 8 << 10)
        let quick = sizes(12, perRecord: .microseconds(1), pace: &pace)
        #expect(quick == [32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 8_192, 8_192, 8_192])
        #expect(pace.bytes(of: 512 << 10) == 512 << 10)
    }

    @Test func slowRecordsComeInSmallBatches() {
        var pace = BatchPace(commitInterval: .milliseconds(250))
        // 1 ms each: 64 records take a quarter of the time that they may.
        #expect(sizes(10, perRecord: .milliseconds(1), pace: &pace).last == 64)
        // A second each: as small as they get, at once.
        #expect(sizes(1, perRecord: .seconds(1), pace: &pace) == [16])
        #expect(sizes(5, perRecord: .seconds(1), pace: &pace).last == 16)
        // And large again when it is quick again.
        #expect(sizes(9, perRecord: .microseconds(1), pace: &pace).last == 8_192)
        // Not as large as all the room there is, all at once.
        #expect(sizes(1, perRecord: .microseconds(40), pace: &pace) == [4_096])
    }

    @Test func batchesThatAreNotFullSayNothing() {
        var pace = BatchPace(commitInterval: .milliseconds(250))
        #expect(sizes(9, perRecord: .microseconds(1), pace: &pace, isFull: false).last == 16)
    }

    @Test func whatTheTopologySaysIsNeverExceeded() {
        let pace = BatchPace(commitInterval: .seconds(60))
        #expect(pace.messages(of: 8) == 8)
        #expect(pace.bytes(of: 4_096) == 4_096)
    }
}
