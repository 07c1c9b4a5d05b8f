import Dataflow
import DataflowTesting
import Foundation
import Kafka
import LocalServices
import Logging
import PlatformTesting
import Synchronization
import Testing

@testable import DataflowTesting
@testable import Nodes

/// A Kafka for one test.
final class SourceStand: Sendable {
    let bootstrapServers: String
    let development: DevelopmentBroker?
    private let noida: NoidaBroker?

    /// Whether the stand-in that knows the admin protocol and transactions is here; says loudly when it is not.
    static let hasNoida: Bool = {
        if NoidaBroker.installedExecutable != nil { return true }
        FileHandle.standardError.write(
            Data("SKIPPED: NodesTests: noida-db is not installed: set MILLRACE_NOIDA_DB or run scripts/test\n".utf8))
        return false
    }()

    /// `millrace broker`, with so many brokers.
    init(brokers: Int) throws {
        let broker = try DevelopmentBroker(brokers: brokers)
        (development, noida, bootstrapServers) = (broker, nil, broker.bootstrapServers)
    }

    /// noida-db.
    init() throws {
        guard let executable = NoidaBroker.installedExecutable else { throw Failure(description: "no noida-db here") }
        let broker = try NoidaBroker(executable: executable)
        (development, noida, bootstrapServers) = (nil, broker, broker.bootstrapServers)
    }

    deinit {
        development?.stop()
        noida?.stop()
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    var connection: ConnectionConfiguration { ConnectionConfiguration(brokers: [bootstrapServers]) }

    func admin() throws -> ClusterClient { try ClusterClient(connection) }

    func topic(partitions: Int) throws -> String {
        let name = "t-\(UUID().uuidString.lowercased().prefix(12))"
        try create(name, partitions: partitions)
        return name
    }

    func create(_ name: String, partitions: Int) throws {
        if let development {
            try development.apply(.topic(name: name, partitions: partitions))
        } else {
            try admin().createTopic(name, partitions: partitions)
        }
    }

    /// Writes values as the tally node reads them.
    func fill(
        _ topic: String, _ partition: Int32 = 0, with values: Range<Int64>, settings: [String: String] = [:]
    ) throws {
        var connection = connection
        connection.settings = settings
        var producer = try Producer(
            ProducerConfiguration(connection: connection, compression: "none", linger: .milliseconds(2)))
        let target = try producer.topic(topic)
        for value in values {
            try producer.produce(
                unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) }, to: target, partition: partition)
        }
        try producer.close()
    }

    /// What tallying values of all kinds gives.
    static func table(_ values: some Sequence<Int64>) -> [Int64: Int64] {
        var table: [Int64: Int64] = [:]
        for value in values where ModelLog.fate(of: value) == .applied {
            table[ModelLog.group(of: value), default: 0] += value
        }
        return table
    }
}

/// A pipeline that tallies topics into a model database.
final class KafkaRun: Sendable {
    let database: ModelDatabase
    let pipeline: Pipeline
    let lines = LogLines(from: .info)
    private let ended: Task<Void, any Error>
    /// How many commits are refused from now on: each makes the source rewind.
    let refusals: Counter

    final class Counter: Sendable {
        private let left = Mutex(0)
        func add(_ count: Int) { left.withLock { $0 += count } }
        func take() -> Bool {
            left.withLock { left in
                left > 0
                    ? {
                        left -= 1; return true
                    }() : false
            }
        }
        var isEmpty: Bool { left.withLock { $0 == 0 } }
    }

    init(
        _ stand: SourceStand, topics: [String], database: ModelDatabase = ModelDatabase(),
        start: KafkaPlan.Start = .earliest, group: String = "g", sessionTimeout: String = "4500",
        pace: KafkaPace = .quick, parse: ParsePlan? = nil, memberships: KeptMemberships? = nil
    ) throws {
        self.database = database
        let refusals = Counter()
        self.refusals = refusals
        var connection = stand.connection
        connection.settings = [
            "session.timeout.ms": sessionTimeout, "heartbeat.interval.ms": "300",
            "topic.metadata.refresh.interval.ms": "300",
        ]
        let configuration = ConsumerConfiguration(connection: connection, group: group, topics: topics)
        var plan = KafkaPlan(
            configuration: configuration, start: start, topology: "model", pace: pace, framing: .document)
        plan.messageTexts = parse?.messageTexts ?? []
        let memory = MemoryAccountant(budget: 256 << 20)
        let lines = lines
        let logger = Logger(label: "test") { _ in lines }
        let source = KafkaSource(plan, memory: memory, memberships: memberships, logger: logger)
        let target = ScriptedTarget(ModelTarget(database: database, seed: 1, faultPercent: 0)) { _ in
            refusals.take() ? .refused(reason: "on purpose") : nil
        }
        let make: any Operator = parse.map { ParseJSON($0) } ?? TallyOperator()
        let pipeline = Pipeline(
            PipelinePlan(
                sources: [
                    PipelinePlan.SourceNode(
                        name: "events", source: source, child: 0, layout: BatchLayout(parse?.columnTypes ?? []))
                ],
                nodes: [PipelinePlan.Node(name: "node", make: make, children: [], concurrency: nil)],
                target: target,
                settings: PipelineSettings(
                    workers: 2, commitInterval: .milliseconds(20), batchBytes: 64 << 10,
                    takeoverPatience: .milliseconds(400)),
                memory: memory),
            logger: logger)
        self.pipeline = pipeline
        ended = Task.detached {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread.detachNewThread { continuation.resume(with: Result { try pipeline.run() }) }
            }
        }
    }

    /// Stops and waits for the end.
    func stop() async throws {
        pipeline.stop()
        try await ended.value
    }

    /// What the program would show as being in the way.
    var troubles: String { pipeline.progress().troubles.joined(separator: "; ") }

    func position(_ topic: String, _ partition: Int32 = 0) -> Int64? {
        database.positions[PartitionKey(topic: topic, partition: partition)]
    }

    func read(_ topic: String, _ partition: Int32 = 0) -> Int64 {
        database.counters[PartitionKey(topic: topic, partition: partition)]?.read ?? 0
    }

    func tail(_ topic: String, _ partition: Int32 = 0) -> Tail? {
        database.contents.withLock { $0.rows[PartitionKey(topic: topic, partition: partition)]?.tail }
    }

    /// Changes a row as a person would.
    func mend(_ topic: String, _ partition: Int32 = 0, nextOffset: Int64? = nil, tail: Tail?) {
        database.contents.withLock { contents in
            let key = PartitionKey(topic: topic, partition: partition)
            contents.rows[key]?.tail = tail
            if let nextOffset { contents.rows[key]?.nextOffset = nextOffset }
        }
    }

    func waitFor(_ what: String, limit: Duration = .seconds(150), _ condition: () -> Bool) async throws {
        do {
            try await Eventually.wait(for: what, limit: limit, until: condition)
        } catch {
            throw SourceStand.Failure(
                description: "\(error); positions \(database.positions), troubles \(troubles), log \(lines.text)")
        }
    }
}

extension KafkaPace {
    /// Tests do not wait.
    static var quick: KafkaPace {
        var pace = KafkaPace()
        pace.watch = .milliseconds(200)
        pace.mended = .milliseconds(200)
        pace.postpone = .milliseconds(100)
        return pace
    }
}
