import Foundation
import LocalServices
import Testing

/// The tables depend on the log alone: SHA-256 over all of them is the same however the work was cut up.
@Suite(.serialized) struct ByteIdentityTests {
    /// One log and its clean run, for all tests here.
    private static let shared = Result<(log: IdentityLog, clean: IdentityOutcome), any Error> {
        let log = try IdentityLog(events: 40_000, seed: 1)
        try log.fill()
        return (log, try log.run("clean"))
    }

    private func compare(
        _ name: String, instances: Int = 1, _ vary: @escaping @Sendable (inout IdentityTopology) -> Void = { _ in }
    ) async throws {
        try await onOwnThread {
            let (log, clean) = try Self.shared.get()
            let other = try log.run(name, instances: instances, vary)
            #expect(other.problems == [])
            #expect(other.dump.differences(from: clean.dump) == [])
        }
    }

    @Test func aCleanRunCountsEveryEventOnce() async throws {
        try await onOwnThread {
            let (_, clean) = try Self.shared.get()
            #expect(clean.problems == [])
            // The shapes that the comparison is about are there.
            #expect(clean.dump.rowCount("kpi") > 1_000 && clean.dump.rowCount("sales") > 200)
            #expect(clean.dump.rowCount("items") > 1_500 && clean.dump.rowCount("dead_letters") > 200)
            #expect(clean.dump.rowCount("segments") > 100)
            #expect(clean.dump.rowCount("spans") > 200)
            #expect(clean.dump.rowCount("partitions") == IdentityLog.partitions)
        }
    }

    @Test func aChangedByteChangesTheDump() async throws {
        try await onOwnThread {
            let (log, clean) = try Self.shared.get()
            let database = try log.run("tampered").database
            _ = try database.query(
                """
                UPDATE kpi SET users_sketch = set_byte(users_sketch, 0, get_byte(users_sketch, 0) # 1)
                WHERE (window_start, group_key) = (SELECT window_start, group_key FROM kpi LIMIT 1)
                """)
            _ = try database.query("UPDATE millrace.partitions SET next_offset = next_offset + 1 WHERE partition = 3")
            let tampered = try IdentityOutcome(database, messages: log.count)
            #expect(tampered.dump.differences(from: clean.dump).count == 2)
            #expect(tampered.problems.count == 2, "\(tampered.problems)")
        }
    }

    @Test func smallBatchesChangeNothing() async throws {
        try await compare("small_batches") { $0.settings = ["batch_bytes": "16KiB", "batch_messages": "100"] }
    }

    @Test(arguments: [1, 4]) func workersChangeNothing(_ workers: Int) async throws {
        try await compare("workers_\(workers)") { $0.settings = ["workers": "\(workers)"] }
    }

    @Test func stagesOfTheirOwnChangeNothing() async throws {
        try await compare("stages") {
            $0.settings = ["workers": "4", "batch_bytes": "64KiB"]
            $0.concurrency = ["records": 3, "played": 1, "sales": 2, "items": 4, "segments": 2, "spans": 2]
        }
    }

    @Test(arguments: ["20ms", "2s"]) func commitIntervalsChangeNothing(_ interval: String) async throws {
        try await compare("interval_\(interval)") { $0.settings = ["commit_interval": interval] }
    }

    @Test func threeInstancesChangeNothing() async throws {
        try await compare("three", instances: 3) { $0.settings = ["commit_interval": "20ms", "batch_bytes": "16KiB"] }
    }
}
