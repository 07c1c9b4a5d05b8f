import Testing

@testable import Dataflow
@testable import Nodes

/// A position is checked, not believed.
@Suite struct StoredPositionTests {
    @Test func whatMillraceWritesIsRight() {
        for (next, tail) in [(nil, nil), (0, nil), (10, 9), (SinkLimits.offsetMax, nil)] as [(Int64?, Int64?)] {
            #expect(PartitionRows.problem(next: next, tail: tail, checksum: tail) == nil)
        }
        // As the documentation has it: only tail_offset is set to null.
        #expect(PartitionRows.problem(next: 5, tail: nil, checksum: 7) == nil)
    }

    @Test func whatSomebodyMadeOfItIsRefused() {
        for (next, tail) in [(-1, nil), (.max, nil), (nil, 3), (5, 5), (5, 9), (5, -1)] as [(Int64?, Int64?)] {
            #expect(PartitionRows.problem(next: next, tail: tail, checksum: 1) != nil, "\(next ?? -9), \(tail ?? -9)")
        }
    }

    @Test func thePositionAndItsRowAreNamed() async throws {
        try await onThread {
            let stand = try TargetStand("bad_position")
            _ = try stand.instance().commit(["DE"])
            try stand.execute("UPDATE millrace.partitions SET next_offset = -5")
            let error = #expect(throws: SinkError.self) { try stand.instance() }
            let text = error?.description ?? ""
            #expect(
                text.contains("topology t, topic topic, partition 0") && text.contains("next_offset is -5"), "\(text)")
        }
    }

    @Test(arguments: [Int64.max, -1]) func anOwnerEpochThatNobodyWroteIsNamed(epoch: Int64) async throws {
        try await onThread {
            let stand = try TargetStand("bad_owner_\(epoch < 0 ? "low" : "high")")
            _ = try stand.instance().commit(["DE"])
            try stand.execute("UPDATE millrace.partitions SET owner_epoch = \(epoch)")
            let error = #expect(throws: SinkError.self) { try stand.instance() }
            let text = error?.description ?? ""
            #expect(
                text.contains("topology t, topic topic, partition 0: owner_epoch is \(epoch), expected 0 to"), "\(text)"
            )
        }
    }

    /// A start makes bookkeeping columns that somebody dropped again.
    @Test func droppedColumnsAreMadeAgain() async throws {
        try await onThread {
            let stand = try TargetStand("dropped_columns")
            _ = try stand.instance().commit(["DE"])
            try stand.execute("ALTER TABLE millrace.partitions DROP tail_checksum, DROP cluster_id")
            _ = try stand.instance().commit(["FR"])
        }
    }
}
