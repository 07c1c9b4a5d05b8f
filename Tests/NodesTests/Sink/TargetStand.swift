import DataflowTesting
import Foundation
import LocalServices
import Postgres
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// A database of a test's own, and instances of one topology that commit to it: a count by country.
struct TargetStand: Sendable {
    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.settings = ["deadlock_timeout": "10ms", "max_connections": "100"]
        return try PrivatePostgres.start(options)
    }

    static let context = CommitContext(isCancelled: { false }, reportTrouble: { _ in }, wait: { _ in })
    static let memory = MemoryAccountant(budget: 1 << 40)
    static let plan = SummaryPlan.ofRecords(
        keys: Array(SummaryRecord.keys.prefix(1)), hasWindow: false,
        metrics: [MetricPlan(Count("events"))])

    let database: String
    let url: String

    /// - Parameter encoding: the database's, that of the server if nil.
    init(_ database: String, encoding: String? = nil) throws {
        self.database = database
        let server = try Self.server.get()
        url = server.url(database: database)
        if let encoding {
            var connection = try Connection.connect(
                ConnectionSettings(url: server.url()), deadline: .now + .seconds(20))
            try connection.execute(
                "CREATE DATABASE \(database) ENCODING '\(encoding)' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        } else {
            try server.createDatabase(database)
        }
    }

    func connect() throws -> Connection {
        try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
    }

    func execute(_ sql: String) throws {
        var connection = try connect()
        try connection.execute(sql)
    }

    func number(_ sql: String) throws -> Int64 {
        var connection = try connect()
        return try connection.query(sql).int64(0, 0) ?? 0
    }

    /// An instance of the topology, with a partition of its own.
    /// - Parameter keep: how long the table keeps rows, in microseconds; nil for good.
    func instance(
        _ partition: Int32 = 0, plan: SummaryPlan = TargetStand.plan, keep: Int64? = nil, step: TableStep? = nil
    ) throws -> Instance {
        try Instance(self, PartitionKey(topic: "topic", partition: partition), plan, keep: keep, step: step)
    }

    /// One instance: what its commits need to know.
    final class Instance {
        let target: PostgresTarget
        let refused = RefusedGroups()
        private let plan: SummaryPlan
        private let claimed: ClaimedPartition
        private var position: Int64 = 0
        private var number: UInt64 = 0

        init(_ stand: TargetStand, _ key: PartitionKey, _ plan: SummaryPlan, keep: Int64?, step: TableStep?) throws {
            let sink = TableSink(
                name: "out", node: 0, plan: plan, table: "kpi", isShared: false, keep: keep, events: [],
                feed: TableFeed(topics: ["topic"], elsewhere: []), step: step)
            self.plan = plan
            let target = PostgresTarget(
                topology: "t", owner: "test", settings: try ConnectionSettings(url: stand.url), sinks: [sink],
                refused: [0: refused], memory: TargetStand.memory, onNotice: { _ in })
            self.target = target
            try target.prepare(TargetStand.context)
            let found = try target.claim([key], origin: nil, TargetStand.context)
            let claimed = try #require(found.first)
            self.claimed = claimed
            if let next = claimed.nextOffset {
                position = next
            } else {
                var first = claimed
                first.nextOffset = 0
                try target.begin([first], TargetStand.context)
            }
        }

        deinit { target.close() }

        /// Commits one record of each country, and a dead letter for each reason.
        func commit(_ countries: [String?], reasons: [String] = []) throws -> CommitOutcome {
            let records = countries.map {
                SummaryRecord(time: 0, country: $0, level: nil, paid: nil, user: "u", price: nil, ratio: 0)
            }
            return try commit(records: records, reasons: reasons)
        }

        /// Commits records, and a dead letter for each reason.
        func commit(records: [SummaryRecord], reasons: [String] = []) throws -> CommitOutcome {
            let delta = SummaryDelta.empty(plan, TargetStand.memory)
            if !records.isEmpty { delta.add(records[...], serial: number + 1) }
            delta.complete()
            defer { delta.release() }
            number += 1
            var advance = PartitionAdvance(key: claimed.key, ownerEpoch: claimed.ownerEpoch, from: position)
            advance.to = position + Int64(records.count + reasons.count)
            advance.counters.read = advance.to - position
            advance.counters.applied = Int64(records.count)
            advance.counters.dead = Int64(reasons.count)
            let letters = reasons.enumerated().map { index, reason in
                DeadLetter(
                    partition: 0, offset: position + Int64(index), line: 0, fault: RecordFault("test", reason),
                    payload: [1], timestamp: nil)
            }
            let deltas: [Int: any Delta] = records.isEmpty ? [:] : [0: delta]
            let epoch = ClosedEpoch(
                number: number, advances: [advance], standing: [], deltas: deltas,
                deadLetters: letters, partitionKeys: [claimed.key])
            let outcome = try target.commit(epoch, TargetStand.context)
            if outcome == .committed { position = advance.to }
            return outcome
        }
    }
}

/// Runs a blocking test body on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}
