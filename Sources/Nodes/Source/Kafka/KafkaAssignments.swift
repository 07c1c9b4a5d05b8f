import Dataflow
import Kafka
import Logging

/// Claims partitions when the group assigns them, flushes when it takes them back, drops when they are lost.
///
/// Called by `Consumer.poll` on the source's thread.
final class KafkaAssignments: RebalanceDelegate {
    private let plan: KafkaPlan
    private let intake: Intake
    private let builder: KafkaBatchBuilder
    private let reserve: QueueReserve
    private let logger: Logger
    /// The engine's index of each partition that is ours.
    private(set) var indices: [TopicPartition: Int] = [:]
    /// Partitions that stand still until a person has looked, and why.
    private(set) var halted: [TopicPartition: String] = [:]
    /// Whether `indices` changed since the last look.
    var hasChanged = false

    init(
        _ plan: KafkaPlan, _ intake: Intake, _ builder: KafkaBatchBuilder, _ reserve: QueueReserve, _ logger: Logger
    ) {
        self.reserve = reserve
        self.plan = plan
        self.intake = intake
        self.builder = builder
        self.logger = logger
    }

    func assigned(_ partitions: [TopicPartition]) throws -> [PartitionStart] {
        logger.info("Partitions assigned", metadata: ["partitions": "\(partitions.count)"])
        var cluster = try ClusterClient(plan.configuration.connection)
        let identity = try retrying { () throws(KafkaError) in
            try cluster.metadata(timeout: SourceLimits.request)
        }
        reserve.take(brokers: identity.brokers.count)
        let keys = partitions.map { PartitionKey(topic: $0.topic, partition: $0.partition) }
        let claimed = try intake.claim(keys, origin: identity.id)
        if let foreign = claimed.first(where: { $0.partition.origin != identity.id }) {
            throw SourceError(
                code: .foreignCluster,
                description: "kafka: the positions of \(foreign.partition.key) belong to cluster "
                    + "\(foreign.partition.origin ?? "none"), and this is cluster \(identity.id ?? "none"); "
                    + "give the topology another name to begin anew, or correct cluster_id in millrace.partitions")
        }
        return try starts(of: claimed, &cluster)
    }

    /// Where to read each claimed partition, after checking that its log is still the one that was read before.
    func starts(of claimed: [(index: Int, partition: ClaimedPartition)]) throws -> [PartitionStart] {
        var cluster = try ClusterClient(plan.configuration.connection)
        return try starts(of: claimed, &cluster)
    }

    private func starts(
        of claimed: [(index: Int, partition: ClaimedPartition)], _ cluster: inout ClusterClient
    ) throws -> [PartitionStart] {
        hasChanged = true
        try begin(claimed.filter { $0.partition.nextOffset == nil }, &cluster)
        let tails = try fetchTails(of: claimed.map(\.partition), &cluster)
        var starts: [PartitionStart] = []
        for (index, claim) in claimed {
            let partition = TopicPartition(claim.key.topic, claim.key.partition)
            indices[partition] = index
            halted[partition] = nil
            if let tail = claim.tail, let problem = problem(with: tail, partition, found: tails[partition]) {
                halt(partition, problem)
                continue
            }
            guard let offset = claim.nextOffset ?? begun[partition] else { continue }
            starts.append(PartitionStart(partition, .at(offset)))
        }
        return starts
    }

    private var begun: [TopicPartition: Int64] = [:]

    /// Resolves where partitions begin that were never read, and has it stored.
    private func begin(
        _ fresh: [(index: Int, partition: ClaimedPartition)], _ cluster: inout ClusterClient
    ) throws {
        guard !fresh.isEmpty else { return }
        let partitions = fresh.map { TopicPartition($0.partition.key.topic, $0.partition.key.partition) }
        var offsets: [TopicPartition: Int64] = [:]
        if case .timestamp(let milliseconds) = plan.start {
            let found = try retrying { () throws(KafkaError) in
                try cluster.offsets(at: milliseconds, of: partitions, timeout: SourceLimits.request)
            }
            for (partition, offset) in found { if let offset { offsets[partition] = offset } }
        }
        for partition in partitions where offsets[partition] == nil {
            let range = try retrying { () throws(KafkaError) in
                try cluster.watermarks(of: partition, timeout: SourceLimits.request)
            }
            offsets[partition] = plan.start == .earliest ? range.low : range.high
        }
        begun = offsets
        try intake.begin(zip(fresh, partitions).map { ($0.index, offsets[$1] ?? 0) })
    }

    /// The records that the tails were taken from, all fetched at once.
    private func fetchTails(
        of claimed: [ClaimedPartition], _ cluster: inout ClusterClient
    ) throws -> [TopicPartition: FetchedMessage] {
        var offsets: [TopicPartition: Int64] = [:]
        for claim in claimed {
            if let tail = claim.tail { offsets[TopicPartition(claim.key.topic, claim.key.partition)] = tail.offset }
        }
        guard !offsets.isEmpty else { return [:] }
        return try retrying { () throws(KafkaError) in
            let found = try cluster.fetchEach(offsets, timeout: SourceLimits.tailFetch)
            guard found.count == offsets.count else {
                throw KafkaError(
                    code: .timedOut,
                    message: "kafka: the last records of \(offsets.count - found.count) partitions did not come in time"
                )
            }
            return found
        }
    }

    /// What is wrong with the log in front of a partition's position, nil when nothing is.
    private func problem(with tail: Tail, _ partition: TopicPartition, found: FetchedMessage?) -> String? {
        switch found {
        case .found(let payload, _, _) where payload.map({ Checksum.of($0) }) == tail.checksum: return nil
        case .found:
            return "offset \(tail.offset) holds another message than the one that was read, so the topic was "
                + "re-created or its log replaced"
        case .beyondEnd(let end):
            return "the log ends at offset \(end), before the last record that was read (\(tail.offset)), so it was "
                + "truncated or the topic re-created"
        case .gone:
            logger.warning(
                "The last record read is gone by retention or compaction; its position cannot be checked",
                metadata: ["partition": "\(partition)", "offset": "\(tail.offset)"])
            return nil
        case nil: preconditionFailure("a tail was not asked for")
        }
    }

    /// Kafka's calls about offsets fail while the cluster moves; they are tried until the pipeline stops.
    private func retrying<Result>(_ body: () throws(KafkaError) -> Result) throws -> Result {
        while true {
            do {
                return try body()
            } catch {
                guard error.isRetryable else { throw error }
                if intake.isStopping { throw WaitCancelled() }
                logger.warning("Waiting for Kafka", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Stops one partition, loudly; the others go on.
    func halt(_ partition: TopicPartition, _ problem: String) {
        halted[partition] = problem
        logger.error(
            "Partition halted: nothing of it is read until a person has decided",
            metadata: [
                "partition": "\(partition)", "reason": "\(problem)",
                "hint": "set next_offset (and tail_offset to null) of its row in millrace.partitions to go on there",
            ])
    }

    func revoked(_ partitions: [TopicPartition]) {
        builder.submit()
        if !intake.flush(within: Limits.revokeFlush) {
            logger.warning("What was read could not be committed before the partitions left; their next owner reads it")
            intake.discard()
        }
        forget(partitions)
    }

    func lost(_ partitions: [TopicPartition]) {
        logger.warning("Partitions lost", metadata: ["partitions": "\(partitions.count)"])
        builder.drop()
        intake.discard()
        forget(partitions)
    }

    private func forget(_ partitions: [TopicPartition]) {
        intake.release(partitions.compactMap { indices.removeValue(forKey: $0) })
        for partition in partitions { halted[partition] = nil }
        hasChanged = true
    }
}
