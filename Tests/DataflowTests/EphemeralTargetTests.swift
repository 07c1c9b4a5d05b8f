import Testing

@testable import Dataflow

@Suite struct EphemeralTargetTests {
    private static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })

    /// A source compares the cluster that its positions are of with the one it reads.
    @Test func partitionsAreOfTheClusterOfTheirFirstClaim() throws {
        let target = EphemeralTarget(observers: [])
        let key = PartitionKey(topic: "a", partition: 0)
        #expect(try target.claim([key], origin: "one", Self.context).map(\.origin) == ["one"])
        let again = try target.claim([key], origin: "two", Self.context)
        #expect(again.map(\.origin) == ["one"] && again.map(\.ownerEpoch) == [2])
    }

    @Test func foundedPartitionsAreOfTheirClusterToo() throws {
        let target = EphemeralTarget(observers: [])
        let key = PartitionKey(topic: "a", partition: 0)
        let founded = ClaimedPartition(key: key, ownerEpoch: 0, nextOffset: 5, tail: nil, origin: "one")
        try target.found([founded], Self.context)
        let claimed = try target.claim([key], origin: "one", Self.context)
        #expect(claimed.map(\.origin) == ["one"] && claimed.map(\.nextOffset) == [5])
    }
}
