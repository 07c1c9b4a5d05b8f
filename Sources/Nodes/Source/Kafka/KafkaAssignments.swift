import Dataflow
import Kafka
import Logging

/// Claims partitions when the group assigns them, flushes when it takes them back, drops when they are lost; knows which of
/// them are read, which are put off and which wait for a person.
///
/// Called by `Consumer.poll`, and by the reader, on the source's thread.
final class KafkaAssignments: RebalanceDelegate {
    private let plan: KafkaPlan
    private let intake: Intake
    private let builder: KafkaBatchBuilder
    private let reserve: QueueReserve
    private let logger: Logger
    private let troubles: KafkaTroubles
    private let founding: KafkaFounding
    /// The partitions that are ours.
    private(set) var partitions: [TopicPartition: KafkaPartition] = [:]
    /// The engine's indices of partitions that the group gave us and another instance has claimed in the database.
    private var takenOver: [TopicPartition: Int] = [:]
    /// Counts assignments and rewinds: what was asked about logs before one is void.
    private(set) var generation = 0
    /// Whether `partitions` changed since the last look.
    var hasChanged = false

    init(
        _ plan: KafkaPlan, _ intake: Intake, _ builder: KafkaBatchBuilder, _ reserve: QueueReserve,
        _ troubles: KafkaTroubles, _ logger: Logger
    ) {
        self.reserve = reserve
        self.plan = plan
        self.intake = intake
        self.builder = builder
        self.troubles = troubles
        self.logger = logger
        founding = KafkaFounding(plan, intake, troubles, logger)
    }

    /// Records where topics begin that were never met, if they begin anywhere but with their oldest message.
    func found() throws { try founding.found(plan.configuration.topics) }

    func assigned(_ assigned: [TopicPartition]) throws -> [PartitionStart] {
        logger.info("Partitions assigned", metadata: ["partitions": "\(assigned.count)"])
        let cluster = try ClusterClient(plan.configuration.connection)
        let identity = try troubles.retrying(intake) { () throws(KafkaError) in
            try cluster.metadata(timeout: SourceLimits.request)
        }
        reserve.take(brokers: identity.brokers.count)
        for topic in Set(assigned.map(\.topic)) { troubles.over(.topic(topic)) }
        try founding.found(Array(Set(assigned.map(\.topic))))
        let keys = assigned.map { PartitionKey(topic: $0.topic, partition: $0.partition) }
        let claimed = try intake.claim(keys, origin: identity.id)
        if let foreign = claimed.first(where: { $0.partition.origin != identity.id }) {
            throw SourceError(
                code: .foreignCluster,
                description: "kafka: the positions of \(foreign.partition.key) belong to cluster "
                    + "\(foreign.partition.origin ?? "none"), and this is cluster \(identity.id ?? "none"); "
                    + "give the topology another name to begin anew, or correct cluster_id in millrace.partitions")
        }
        return try starts(of: claimed)
    }

    /// Where to read each partition, after checking that its log is still the one that was read before. One that is left out
    /// must not be read: it is put off, or halted.
    func starts(of claimed: [(index: Int, partition: ClaimedPartition)]) throws -> [PartitionStart] {
        let inspector = try LogInspector(plan.configuration.connection, timeout: SourceLimits.inspection)
        return try starts(of: claimed, inspector.answers(to: claimed.map { LogQuestion($0.partition) }))
    }

    /// The same by what the logs have said.
    func starts(
        of claimed: [(index: Int, partition: ClaimedPartition)], _ answers: [TopicPartition: LogAnswer]
    ) throws -> [PartitionStart] {
        if !claimed.isEmpty { troubles.over(.group) }
        generation += 1
        hasChanged = true
        var starts: [PartitionStart] = []
        for claim in claimed {
            let partition = claim.partition.topicPartition
            takenOver[partition] = nil
            partitions[partition] = KafkaPartition(
                index: claim.index, row: claim.partition, standing: .postponed(reason: "", next: .now))
            if let start = try settle(partition, answers[partition]) { starts.append(start) }
        }
        tell()
        return starts
    }

    /// Sets a partition that stands still by what its log says: where to read it, or nil when it is not to be read.
    func settle(_ partition: TopicPartition, _ answer: LogAnswer?) throws -> PartitionStart? {
        guard var state = partitions[partition] else { return nil }
        defer { partitions[partition] = state }
        switch answer {
        case .sound(let range, let isTailGone):
            if state.row.nextOffset == nil {
                // Nothing of it was read, and what the topic held when it was first met has a position: it came later.
                try intake.begin([(state.index, range.low)])
                state.row.nextOffset = range.low
            }
            if isTailGone {
                logger.warning(
                    "The last record read is gone by retention or compaction; its position cannot be checked",
                    metadata: ["partition": "\(partition)", "offset": "\(state.row.tail?.offset ?? -1)"])
            }
            intake.note(end: range.high, of: state.index)
            state.standing = .reading
            state.unanswered = nil
            state.resumed = .now
            builder.tails.begin(state.index, stored: state.row.tail)
            hasChanged = true
            return state.row.nextOffset.map { PartitionStart(partition, .at($0)) }
        case .unsound(let reason, let goOn):
            if case .halted(reason, goOn) = state.standing { return nil }
            // What was read and dropped is not there any more; what retention has left of it is.
            if let next = state.row.nextOffset, goOn <= next { intake.note(end: next, of: state.index) }
            state.standing = .halted(reason: reason, goOn: goOn)
            logger.error(
                "Partition halted: nothing of it is read until a person has decided",
                metadata: [
                    "partition": "\(partition)", "reason": "\(reason)",
                    "hint": "\(KafkaPartition.hint(topology: plan.topology, partition, goOn: goOn))",
                ])
            return nil
        case .unknown(let error):
            // What is halted stays so until its log says otherwise.
            if case .halted = state.standing { return nil }
            state.postpone("\(error)", first: plan.pace.postpone, .now)
            return nil
        case nil:
            state.postpone("kafka: nothing is known of \(partition)", first: plan.pace.postpone, .now)
            return nil
        }
    }

    /// Whether the group has left this instance without a partition.
    var hasNone: Bool { partitions.isEmpty && takenOver.isEmpty }

    /// Whether every partition is read and its log has answered.
    var areSound: Bool { partitions.values.allSatisfy { $0.isReading && $0.unanswered == nil } }

    /// Takes note of why the log of a partition that is read cannot be asked, which mostly means that it cannot be read
    /// either; nil when it can. `tell` says it.
    func hasNoAnswer(_ partition: TopicPartition, _ reason: String?) {
        // When no broker can be reached, that is said, and not of each partition.
        partitions[partition]?.unanswered = troubles.explainsSilence ? nil : reason
    }

    /// Puts a partition off whose reading met with trouble: its log is asked first.
    func postpone(_ partition: TopicPartition, at position: Int64?, _ reason: String) {
        guard var state = partitions[partition], state.isReading else { return }
        if let position { state.row.nextOffset = position }
        state.row.tail = builder.tails.stored(state.index) ?? state.row.tail
        state.postpone(reason, first: plan.pace.postpone, .now)
        // Its log is asked at once; only when that does not answer, later and later.
        if state.failures == 1 { state.standing = .postponed(reason: reason, next: .now) }
        partitions[partition] = state
        hasChanged = true
        tell()
    }

    /// Looks at the rows of partitions that stand still: a person may have changed one, and then it goes on from there;
    /// another instance may have claimed one, which no fence says of a partition that is not read.
    /// - Parameter asked: the partitions whose rows were asked for; one that is not among `rows` has none any more.
    /// - Returns: false when one is not ours any more. A rewind is then due, which asks whose it is.
    func adopt(_ rows: [ClaimedPartition], of asked: [ClaimedPartition]) -> Bool {
        let rows = Dictionary(rows.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for partition in asked.map(\.topicPartition) {
            guard var state = partitions[partition], !state.isReading else { continue }
            let row = rows[state.row.key]
            switch intake.adopt(row, index: state.index) {
            case .adopted: break
            case .uncommitted: continue
            case .lost:
                logger.warning(
                    "The row of a partition that stands still is not this instance's any more",
                    metadata: ["partition": "\(partition)", "owner": "\(row?.owner ?? "unknown")"])
                return false
            }
            guard let row, row.nextOffset != state.row.nextOffset || row.tail != state.row.tail else { continue }
            logger.notice(
                "The row of a partition was changed",
                metadata: [
                    "partition": "\(partition)", "next_offset": "\(row.nextOffset.map(String.init) ?? "null")",
                ])
            state.row = row
            partitions[partition] = state
        }
        return true
    }

    /// Shows what stands still.
    func tell() {
        let standing = partitions.sorted { $0.key < $1.key }
        let halted = standing.compactMap {
            partition, state -> (partition: TopicPartition, reason: String, goOn: Int64)? in
            guard case .halted(let reason, let goOn) = state.standing else { return nil }
            return (partition, reason, goOn)
        }
        if let first = halted.first {
            let list = halted.map(\.partition.description).joined(separator: ", ")
            let hint = KafkaPartition.hint(topology: plan.topology, first.partition, goOn: first.goOn)
            troubles.met(.halted, "halted: \(list): \(first.reason); \(hint)")
        } else {
            troubles.over(.halted)
        }
        var postponed: [(TopicPartition, String)] = []
        for (partition, state) in standing {
            // One that is tried for the first time may be read the next moment.
            if case .postponed(let reason, _) = state.standing, state.failures > 1 || state.resumed == nil {
                postponed.append((partition, reason))
            } else if state.isReading, let reason = state.unanswered {
                postponed.append((partition, reason))
            }
        }
        guard let first = postponed.first else {
            // Where nothing is read, or nobody answers, that is no good news.
            if partitions.isEmpty || troubles.explainsSilence {
                troubles.forget(.partitions)
            } else {
                troubles.over(.partitions)
            }
            return
        }
        let others = postponed.count > 1 ? " (and \(postponed.count - 1) more)" : ""
        troubles.met(.partitions, "\(first.0)\(others): \(first.1)")
    }

    func revoked(_ partitions: [TopicPartition]) {
        builder.submit()
        if !intake.flush(within: Limits.revokeFlush) {
            logger.warning("Records could not be committed before their partitions left; the next owner reads them")
            intake.discard()
        }
        forget(partitions)
    }

    func lost(_ partitions: [TopicPartition]) {
        logger.warning("Partitions lost", metadata: ["partitions": "\(partitions.count)"])
        builder.drop()
        intake.discard()
        troubles.met(
            .group,
            "the partitions were lost: this instance and its group have not heard of each other for session.timeout.ms; "
                + "waiting for partitions")
        forget(partitions)
    }

    /// Another instance has claimed these in the database, although the group says that they are ours. The engine names them
    /// until they are claimed or given back.
    func setAside(_ gone: [TopicPartition]) {
        for partition in gone {
            guard let state = partitions.removeValue(forKey: partition) else { continue }
            takenOver[partition] = state.index
            builder.tails.forget(state.index)
        }
        generation += 1
        hasChanged = true
        tell()
    }

    /// Forgets partitions that are not ours any more.
    func forget(_ gone: [TopicPartition]) {
        let indices = gone.compactMap { takenOver.removeValue(forKey: $0) ?? partitions.removeValue(forKey: $0)?.index }
        intake.release(indices)
        for index in indices { builder.tails.forget(index) }
        generation += 1
        hasChanged = true
        tell()
    }
}
