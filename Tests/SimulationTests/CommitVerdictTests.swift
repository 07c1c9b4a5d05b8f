import Dataflow
import Testing

@Suite struct CommitVerdictTests {
    private func advance(_ partition: Int32, from: Int64, to: Int64, epoch: Int64 = 1) -> PartitionAdvance {
        var advance = PartitionAdvance(
            key: PartitionKey(topic: "t", partition: partition), ownerEpoch: epoch, from: from)
        advance.to = to
        return advance
    }

    private func row(_ partition: Int32, at offset: Int64?, epoch: Int64 = 1) -> ClaimedPartition {
        ClaimedPartition(
            key: PartitionKey(topic: "t", partition: partition), ownerEpoch: epoch, nextOffset: offset, tail: nil)
    }

    @Test func allAtTheEndMeansCommitted() {
        let advances = [advance(0, from: 5, to: 9), advance(1, from: 0, to: 2)]
        #expect(CommitVerdict.decide(advances, rows: [row(0, at: 9), row(1, at: 2)]) == .committed)
    }

    @Test func allAtTheBeginningMeansWriteAgain() {
        let advances = [advance(0, from: 5, to: 9), advance(1, from: 0, to: 2)]
        #expect(CommitVerdict.decide(advances, rows: [row(0, at: 5), row(1, at: 0)]) == .notCommitted)
    }

    @Test(arguments: [
        (Int64?(9), Int64(2)), (5, 2), (nil, 1), (7, 1), (100, 1), (3, 1),
    ])
    func anythingElseMeansFenced(offset: Int64?, epoch: Int64) {
        let verdict = CommitVerdict.decide([advance(0, from: 5, to: 9)], rows: [row(0, at: offset, epoch: epoch)])
        guard case .fenced = verdict else {
            Issue.record("offset \(String(describing: offset)), epoch \(epoch): \(verdict)")
            return
        }
    }

    @Test func aMissingRowMeansFenced() {
        guard case .fenced = CommitVerdict.decide([advance(0, from: 5, to: 9)], rows: []) else {
            Issue.record("a vanished partition row must not be taken for a commit")
            return
        }
    }

    /// Claimed by another instance, a partition stands where we left it or further on, unless the database was restored.
    @Test func whatAnotherOwnerHoldsIsNotBehindWhatWasCommitted() {
        let standing = [row(0, at: 9)]
        #expect(CommitVerdict.mismatch(standing, rows: [row(0, at: 9, epoch: 2)]) == nil)
        #expect(CommitVerdict.mismatch(standing, rows: [row(0, at: 20, epoch: 2)]) == nil)
        #expect(CommitVerdict.mismatch(standing, rows: [row(0, at: 8, epoch: 2)])?.contains("was restored") == true)
        #expect(CommitVerdict.mismatch(standing, rows: [row(0, at: nil, epoch: 2)])?.contains("was restored") == true)
    }

    @Test func halfAnEpochMeansFenced() {
        let advances = [advance(0, from: 5, to: 9), advance(1, from: 0, to: 2)]
        guard case .fenced = CommitVerdict.decide(advances, rows: [row(0, at: 9), row(1, at: 0)]) else {
            Issue.record("half an epoch in the database is nobody's commit")
            return
        }
    }
}
