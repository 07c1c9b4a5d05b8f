import LocalServices
import Postgres
import Summaries
import Testing

@testable import Dataflow
@testable import Nodes

/// A table's topics come and go: what it lacks is what was read while they were away.
@Suite struct FormerFeedTests {
    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        try PrivatePostgres.start()
    }

    private static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })

    private let settings: ConnectionSettings

    init() throws {
        let server = try Self.server.get()
        try server.createDatabase("former_feed")
        settings = try ConnectionSettings(url: server.url(database: "former_feed"))
    }

    /// Starts the topology with a table that these topics feed.
    private func start(_ topics: Set<String>) throws {
        let plan = SummaryPlan(node: "s", keys: [], metrics: [MetricPlan(Count("n"))])
        let target = PostgresTarget(
            topology: "t", owner: "me", settings: settings,
            sinks: [
                TableSink(
                    name: "out", node: 0, plan: plan, table: "kpi", isShared: false, events: [],
                    feed: TableFeed(topics: topics, elsewhere: []))
            ], memory: MemoryAccountant(budget: 64 << 20), onNotice: { _ in })
        try target.prepare(Self.context)
        target.close()
    }

    private func execute(_ sql: String) throws -> QueryResult {
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        return try connection.query(sql)
    }

    @Test func whoComesBackUnreadIsNoGap() throws {
        try start(["a", "b"])
        _ = try execute(
            """
            INSERT INTO millrace.partitions (topology, topic, partition, next_offset, read, applied)
            VALUES ('t', 'a', 0, 5, 5, 5), ('t', 'b', 0, 7, 7, 7)
            """)
        _ = try execute("INSERT INTO kpi (n, group_key) VALUES (12, '')")
        _ = try execute("UPDATE millrace.tables SET has_rows = true")
        try start(["a"])
        #expect(try execute("SELECT former_feed FROM millrace.tables").text(0, 0) == "b=7")
        // More than once, and with another one gone meanwhile.
        try start(["a"])
        try start(["a", "b"])
        #expect(try execute("SELECT former_feed, complete_from FROM millrace.tables").isNull(0, 1))
        #expect(try execute("SELECT former_feed FROM millrace.tables").text(0, 0) == "")
        try start(["a"])
        // Something else of the topology has read it.
        _ = try execute("UPDATE millrace.partitions SET read = 9, applied = 9 WHERE topic = 'b'")
        let error = #expect(throws: SinkError.self) { try start(["a", "b"]) }
        #expect(error?.description.contains("it is fed by another source now") == true, "\(error?.description ?? "")")
    }
}
