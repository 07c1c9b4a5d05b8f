import Dataflow
import Kafka
import Logging

/// Where a topology begins topics that it meets for the first time, when that is not their oldest message.
///
/// `start: latest` means: what is there when the topology first looks is not wanted. So at the first look at a topic the
/// positions of all its partitions are recorded, whoever reads them; whatever has none later (a partition that was added)
/// came after it and begins with its oldest message. A topic that is not there yet is recorded as empty: all that it will ever
/// hold comes later.
final class KafkaFounding {
    private let plan: KafkaPlan
    private let intake: Intake
    private let troubles: KafkaTroubles
    private let logger: Logger
    private var done: Set<String> = []

    init(_ plan: KafkaPlan, _ intake: Intake, _ troubles: KafkaTroubles, _ logger: Logger) {
        self.plan = plan
        self.intake = intake
        self.troubles = troubles
        self.logger = logger
    }

    /// Records where `topics` begin, unless that is recorded already. Blocks until the cluster and the database have answered.
    func found(_ topics: [String]) throws {
        let topics = topics.filter { !done.contains($0) }
        guard plan.start != .earliest, !topics.isEmpty else { return }
        let cluster = try ClusterClient(plan.configuration.connection)
        let origin = try troubles.retrying(intake) { () throws(KafkaError) in
            try cluster.metadata(timeout: SourceLimits.request).id
        }
        for topic in topics {
            guard let starts = try starts(of: topic, cluster) else { continue }
            try intake.found(
                starts.map { (PartitionKey(topic: topic, partition: $0.key.partition), $0.value) }, origin: origin)
            done.insert(topic)
        }
    }

    /// Where each partition of a topic begins; nil when the cluster does not say.
    private func starts(of topic: String, _ cluster: borrowing ClusterClient) throws -> [TopicPartition: Int64]? {
        let layout: TopicLayout
        do {
            layout = try cluster.layout(of: topic, timeout: SourceLimits.request)
        } catch  where error.code == .unknownTopic {
            return [TopicPartition(topic, 0): 0]
        } catch {
            // No rights yet, for one. It is looked at again when it is assigned.
            return nil
        }
        let partitions = layout.leaders.keys.map { TopicPartition(topic, $0) }
        let end = ContinuousClock.now + SourceLimits.founding
        var starts: [TopicPartition: Int64] = [:]
        while true {
            starts.merge(try offsets(partitions.filter { starts[$0] == nil }, cluster)) { $1 }
            let missing = partitions.filter { starts[$0] == nil }.sorted()
            guard let first = missing.first else { return starts }
            if intake.isStopping { throw WaitCancelled() }
            guard .now < end else {
                logger.warning(
                    "Partitions without a leader will be read from their oldest message",
                    metadata: ["partitions": "\(missing.map(\.description).joined(separator: ", "))"])
                return starts
            }
            troubles.met(.partitions, "\(first) has no leader, so it is not known where it ends")
            Pause.wait(SourceLimits.secondLook)
        }
    }

    private func offsets(
        _ partitions: [TopicPartition], _ cluster: borrowing ClusterClient
    ) throws -> [TopicPartition: Int64] {
        var starts: [TopicPartition: Int64] = [:]
        for (partition, range) in cluster.ranges(of: partitions, timeout: SourceLimits.inspection) {
            if case .success(let range) = range { starts[partition] = range.high }
        }
        guard case .timestamp(let milliseconds) = plan.start, !starts.isEmpty else { return starts }
        let found = try troubles.retrying(intake) { () throws(KafkaError) in
            try cluster.offsets(at: milliseconds, of: Array(starts.keys), timeout: SourceLimits.request)
        }
        for case (let partition, let offset?) in found { starts[partition] = offset }
        return starts
    }
}

extension KafkaTroubles {
    /// Calls that fail while the cluster is away are made again until it answers or the pipeline stops.
    func retrying<Result>(_ intake: Intake, _ body: () throws(KafkaError) -> Result) throws -> Result {
        while true {
            do {
                let result = try body()
                answered()
                return result
            } catch {
                switch error.code {
                case .authentication, .protocolMismatch: try refused(error)
                default:
                    guard error.isRetryable else { throw error }
                    met(.connection, "\(error)")
                }
                if intake.isStopping { throw WaitCancelled() }
                remind()
                Pause.wait(SourceLimits.secondLook)
            }
        }
    }
}
