import DataflowTesting
import LocalServices
import Postgres
import Summaries
import Testing

@testable import Dataflow
@testable import Nodes

/// Two definitions of one topology at a real database: whoever was replaced commits nothing more.
@Suite struct RegistrationTests {
    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        try PrivatePostgres.start()
    }

    private static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })

    private static func target(_ database: String, metric: String) throws -> PostgresTarget {
        let plan = SummaryPlan(
            node: "s", keys: [], metrics: [MetricPlan(Count(metric))])
        let sink = TableSink(
            name: "out", node: 0, plan: plan, table: "t_\(metric)", isShared: false, events: [],
            feed: TableFeed(topics: ["topic"], elsewhere: []))
        return PostgresTarget(
            topology: "t", owner: metric, settings: try ConnectionSettings(url: server.get().url(database: database)),
            sinks: [sink], memory: MemoryAccountant(budget: 64 << 20), onNotice: { _ in })
    }

    private static func epoch(_ number: UInt64, _ claimed: ClaimedPartition, from: Int64, to: Int64) -> ClosedEpoch {
        var advance = PartitionAdvance(key: claimed.key, ownerEpoch: claimed.ownerEpoch, from: from)
        advance.to = to
        advance.counters.read = to - from
        advance.counters.filtered = to - from
        return ClosedEpoch(
            number: number, advances: [advance], standing: [], deltas: [:], deadLetters: [],
            partitionKeys: [claimed.key])
    }

    private static func query(_ database: String, _ sql: String) throws -> QueryResult {
        var connection = try Connection.connect(
            ConnectionSettings(url: server.get().url(database: database)), deadline: .now + .seconds(20))
        return try connection.query(sql)
    }

    @Test func aReplacedDefinitionCommitsAndClaimsNothing() throws {
        try Self.server.get().createDatabase("replaced")
        let key = PartitionKey(topic: "topic", partition: 0)
        let old = try Self.target("replaced", metric: "old")
        try old.prepare(Self.context)
        let claimed = try #require(try old.claim([key], origin: nil, Self.context).first)
        try old.begin(
            [ClaimedPartition(key: key, ownerEpoch: claimed.ownerEpoch, nextOffset: 0, tail: nil)], Self.context)
        #expect(try old.commit(Self.epoch(1, claimed, from: 0, to: 0), Self.context) == .committed)

        // It is frozen for longer than it may be silent.
        _ = try Self.query("replaced", "UPDATE millrace.instances SET seen_at = seen_at - interval '1 hour'")
        let new = try Self.target("replaced", metric: "new")
        try new.prepare(Self.context)
        for attempt in 0..<2 {
            let error = #expect(throws: SinkError.self) {
                if attempt == 0 {
                    _ = try old.commit(Self.epoch(2, claimed, from: 0, to: 5), Self.context)
                } else {
                    _ = try old.claim([key], origin: nil, Self.context)
                }
            }
            #expect(error?.code == .replaced)
            #expect(error?.description.contains("metric new (count()) is new") == true, "\(error?.description ?? "")")
        }
        let taken = try #require(try new.claim([key], origin: nil, Self.context).first)
        #expect(taken.nextOffset == 0)
        #expect(try new.commit(Self.epoch(1, taken, from: 0, to: 7), Self.context) == .committed)
        let read = try Self.query("replaced", "SELECT read, next_offset FROM millrace.partitions")
        #expect(try read.int64(0, 0) == 7)
        old.close()
        new.close()
        let left = try Self.query("replaced", "SELECT count(*) FROM millrace.instances")
        #expect(try left.int64(0, 0) == 0)
    }

    @Test func aStartThatWaitsForSilenceIsRefusedAtASignOfLife() throws {
        try Self.server.get().createDatabase("signs")
        let old = try Self.target("signs", metric: "old")
        try old.prepare(Self.context)
        let new = try Self.target("signs", metric: "new")
        let looks = LookCounter()
        // Each pause of the waiting start is a moment in which the other instance gives a sign.
        let context = CommitContext(isCancelled: { false }, reportTrouble: { looks.report($0) }) { _ in
            _ = try? Self.query("signs", "UPDATE millrace.instances SET seen_at = clock_timestamp()")
        }
        let error = #expect(throws: SinkError.self) { try new.prepare(context) }
        #expect(error?.description.contains("topology t runs with another definition: instance old:") == true)
        #expect(looks.texts.contains { $0.contains("ran with another definition a moment ago") })
        let tables = try Self.query("signs", "SELECT to_regclass('t_new')::text")
        #expect(tables.isNull(0, 0))
        old.close()
        new.close()
    }
}

/// Keeps what was reported.
private final class LookCounter: @unchecked Sendable {
    private(set) var texts: [String] = []

    func report(_ text: String?) { if let text { texts.append(text) } }
}
