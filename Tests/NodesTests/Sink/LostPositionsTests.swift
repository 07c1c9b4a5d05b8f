import Postgres
import Testing

@testable import Dataflow
@testable import Nodes

/// Position rows that are gone while a topology runs: restored with its tables, or deleted by somebody.
@Suite struct LostPositionsTests {
    @Test(arguments: [true, false]) func deletedPositionsAreNoRestore(isRestored: Bool) async throws {
        let stand = try TargetStand("lost_positions_\(isRestored)")
        try await onThread {
            let instance = try stand.instance()
            #expect(try instance.commit(["NO", "SE"]) == .committed)
            try stand.execute("DELETE FROM millrace.partitions")
            // A restore to before the first commit takes the rows along.
            if isRestored { try stand.execute("DELETE FROM kpi") }
            let key = PartitionKey(topic: "topic", partition: 0)
            if isRestored {
                let claimed = try instance.target.claim([key], origin: nil, TargetStand.context)
                #expect(claimed.map(\.nextOffset) == [nil])
            } else {
                let error = #expect(throws: SinkError.self) {
                    try instance.target.claim([key], origin: nil, TargetStand.context)
                }
                #expect(error?.description.contains("were deleted while it ran") == true)
                #expect(try stand.number("SELECT count(*) FROM millrace.partitions") == 0)
            }
        }
    }

    /// Claimed twice before anything was read, as in a rebalance at the start.
    @Test func whatWasNeverReadIsNotLost() async throws {
        let stand = try TargetStand("lost_never")
        try await onThread {
            let one = try stand.instance(0)
            #expect(try one.commit(["NO"]) == .committed)
            let key = PartitionKey(topic: "topic", partition: 7)
            for _ in 0..<2 { _ = try one.target.claim([key], origin: nil, TargetStand.context) }
        }
    }
}
