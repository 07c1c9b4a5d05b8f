import Testing

@testable import Dataflow

/// What a partition owes: records that were read and dropped.
@Suite struct PartitionStateTests {
    /// A partition of which records up to `read` were worked on and dropped, of which `committed` are in the database.
    private static func dropped(read: Int64 = 100, committed: Int64 = 40) -> PartitionState {
        var partition = at(committed)
        partition.next = read
        partition.settle(read - committed)
        partition.loseUncommitted()
        var again = at(committed)
        again.takeDebt(of: partition)
        return again
    }

    private static func at(_ position: Int64) -> PartitionState { PartitionState(row(position), source: 0) }

    private static func row(_ position: Int64) -> ClaimedPartition {
        ClaimedPartition(
            key: PartitionKey(topic: "t", partition: 0), ownerEpoch: 1, nextOffset: position, tail: nil)
    }

    /// Commits up to a position, of which so many records were there.
    private static func commit(_ partition: inout PartitionState, to position: Int64, records: Int64) {
        var advance = PartitionAdvance(key: partition.key, ownerEpoch: 1, from: partition.committed ?? 0)
        advance.move(to: position, tail: nil, messages: records)
        advance.counters.read = records
        partition.next = position
        partition.settle(records)
        partition.book(advance)
    }

    @Test func whatWasDroppedIsOwedUntilItIsReadAgain() {
        var partition = Self.dropped()
        #expect(partition.owed == 60)
        Self.commit(&partition, to: 70, records: 30)
        #expect(partition.owed == 30)
        Self.commit(&partition, to: 120, records: 50)
        #expect(partition.owed == 0)
    }

    /// Before: it was counted until as many records had come, and a compacted log has fewer.
    @Test func recordsThatRetentionOrCompactionRemovedAreNotOwed() {
        var partition = Self.dropped()
        Self.commit(&partition, to: 100, records: 10)
        #expect(partition.owed == 0)
    }

    @Test func whatLiesBeyondTheEndOfTheLogIsNotOwed() {
        var partition = Self.dropped()
        partition.note(end: 50)
        #expect(partition.owed > 0, "some of it is there")
        Self.commit(&partition, to: 50, records: 10)
        #expect(partition.owed == 0)
        var empty = Self.dropped()
        empty.note(end: 40)
        #expect(empty.owed == 0)
    }

    @Test func anEndBehindEverythingChangesNothing() {
        var partition = Self.dropped()
        partition.note(end: 1_000)
        #expect(partition.owed == 60)
        Self.commit(&partition, to: 99, records: 0)
        #expect(partition.owed == 60)
    }

    @Test func whatAnotherOneHasCommittedIsNotOwed() {
        var other = Self.at(100)
        other.takeDebt(of: Self.dropped())
        #expect(other.owed == 0)
    }

    @Test func aPersonWhoSkipsItPaysIt() {
        var partition = Self.dropped()
        partition.move(to: Self.row(100))
        #expect(partition.owed == 0)
        #expect(partition.isCommitted)
    }

    @Test func ofTwoDropsTheFartherEndCounts() {
        var partition = Self.dropped()
        partition.next = 50
        partition.settle(10)
        partition.loseUncommitted()
        #expect(partition.owed == 60)
        Self.commit(&partition, to: 50, records: 10)
        #expect(partition.owed == 50)
        Self.commit(&partition, to: 100, records: 50)
        #expect(partition.owed == 0)
    }

    @Test func whatIsSomeoneElsesIsNotOwed() {
        var partition = Self.at(0)
        partition.next = 10
        partition.settle(10)
        partition.isActive = false
        partition.loseUncommitted()
        #expect(partition.owed == 0)
    }
}
