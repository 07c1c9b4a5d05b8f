import Dataflow
import Declaration
import Kafka

/// Finds messages of a partition again by their offsets, without a group: reads on through short stretches that nobody
/// wants, and begins anew behind long ones.
final class ReplayLog: ReplayRecords {
    private let plan: KafkaPlan
    private let partition: TopicPartition
    private var consumer: Consumer?
    /// Why nothing of the partition can be read, nil when it can.
    private let obstacle: String?
    private let range: Watermarks
    /// The next message that comes; nil while nothing is being read.
    private var next: Int64?
    /// Where the log was found to have nothing more.
    private var end: Int64?

    private var meanBytes = 512

    /// Messages that are read and thrown away rather than asked for anew.
    private static let skippedMax: Int64 = 5_000
    private static let poll = Duration.milliseconds(100)

    /// - Parameter row: what the topology remembers of the partition.
    /// - Throws: `KafkaError` when the cluster cannot be asked.
    init(_ plan: KafkaPlan, _ key: PartitionKey, _ row: ClaimedPartition?) throws {
        self.plan = plan
        partition = TopicPartition(key.topic, key.partition)
        let cluster = try ClusterClient(plan.configuration.connection)
        range = try cluster.watermarks(of: partition, timeout: SourceLimits.replaySilence)
        obstacle = try Self.obstacle(plan, partition, row, cluster.metadata(topic: key.topic).id)
    }

    /// Whether the log is another one than was read.
    private static func obstacle(
        _ plan: KafkaPlan, _ partition: TopicPartition, _ row: ClaimedPartition?, _ cluster: String?
    ) throws -> String? {
        if let origin = row?.origin, let cluster, origin != cluster {
            return "the brokers are of cluster \(cluster), and the record was read from cluster \(origin)"
        }
        guard let tail = row?.tail else { return nil }
        let inspector = try LogInspector(plan.configuration.connection, timeout: SourceLimits.replaySilence)
        let question = LogQuestion(partition: partition, position: nil, tail: tail)
        switch inspector.answers(to: [question])[partition] {
        case .unsound(let reason, _): return reason
        case .unknown(let error): throw error
        case .sound, nil: return nil
        }
    }

    var framing: Framing { plan.framing }

    var silence: SourceError {
        SourceError(
            code: .kafka,
            description:
                "\(partition): nothing has come from \(plan.configuration.connection.brokers.joined(separator: ",")) for "
                + "\(SourceLimits.replaySilence.components.seconds) s; what was replayed until then is committed, and "
                + "another replay goes on there")
    }

    func find(_ offsets: ArraySlice<Int64>, room: Int, into batch: Batch) throws -> [String?] {
        guard let first = offsets.first else { return [] }
        if let obstacle { return offsets.map { _ in obstacle } }
        if first < range.low { return [Self.removed] }
        if first >= range.high { return [Self.beyond(range.high)] }
        if let end, first >= end { return [Self.gone] }
        try goTo(first)
        return try poll(offsets, room: room, into: batch)
    }

    private func goTo(_ offset: Int64) throws {
        if let next, next <= offset, offset - next <= Self.skippedMax { return }
        if consumer == nil {
            var configuration = plan.configuration
            (configuration.group, configuration.topics) = (nil, [])
            consumer = try Consumer(configuration)
        }
        try consumer!.assign([PartitionStart(partition, .at(offset))])
        (next, end) = (offset, nil)
    }

    private func poll(_ offsets: ArraySlice<Int64>, room: Int, into batch: Batch) throws -> [String?] {
        var found: [String?] = []
        // None beyond the last one that is wanted: the next letters may want those.
        let distance = (offsets.last ?? 0) - (next ?? 0) + 1
        let fitting = max(1, batch.room / meanBytes)
        let messages = Int(clamping: min(Int64(min(room, fitting, KafkaLimits.pollMessagesMax)), distance))
        let texts = plan.messageTexts
        var last = next
        let result = try consumer!.poll(maxMessages: messages, timeout: Self.poll, delegate: NoGroup()) { message in
            last = message.offset + 1
            while found.count < offsets.count, offsets[offsets.startIndex + found.count] < message.offset {
                found.append(Self.gone)
            }
            guard found.count < offsets.count, offsets[offsets.startIndex + found.count] == message.offset else {
                return
            }
            guard let payload = unsafe message.payload else { return found.append(Self.emptied) }
            meanBytes = (7 * meanBytes + payload.count) / 8 + 1
            unsafe batch.append(payload, offset: message.offset, timestamp: message.timestamp)
            if let key = unsafe message.key { unsafe batch.appendMessageKey(key) }
            for text in texts { KafkaBatchBuilder.append(text, of: message, to: batch) }
            found.append(nil)
        }
        next = last
        if !result.ends.isEmpty || result.events.contains(where: Self.isEnd) { end = next }
        for case .fatal(let error) in result.events { throw error }
        for case .authentication(let error) in result.events { throw error }
        return found
    }

    private static func isEnd(_ event: ConsumerEvent) -> Bool {
        switch event {
        case .partitionEnd, .offsetOutOfRange: true
        default: false
        }
    }

    static let removed = "its message is no longer in the log: retention has removed it"
    static let gone = "its message is no longer in the log: compaction or somebody has removed it"
    static let emptied = "its message has no value any more"

    static func beyond(_ end: Int64) -> String {
        "the log ends at offset \(end), before it: the topic was made anew or cut"
    }
}

/// Nobody assigns anything.
private struct NoGroup: RebalanceDelegate {
    func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] { [] }
    func revoked(_ partitions: [TopicPartition]) {}
    func lost(_ partitions: [TopicPartition]) {}
}
