package import Dataflow
import Kafka
package import Logging
import Synchronization

/// The `kafka` source: a member of a consumer group whose positions live in Postgres.
package final class KafkaSource: Source {
    private let plan: KafkaPlan
    private let logger: Logger
    private let reader = Mutex<KafkaReader?>(nil)
    private let shared = Mutex(SourceStatus())
    private let reserve: QueueReserve

    /// Creates a source; connects when it runs. What librdkafka may hold is drawn from `memory` at once.
    package init(_ plan: KafkaPlan, memory: MemoryAccountant, logger: Logger) {
        self.plan = plan
        reserve = QueueReserve(plan.configuration, memory, logger)
        self.logger = logger
    }

    package func run(_ intake: Intake) throws {
        var plan = plan
        let logger = logger
        plan.configuration.connection.log = { line in
            // What matters comes as an event of `poll` too; the log only says more.
            logger.debug("librdkafka", metadata: ["facility": "\(line.facility)", "text": "\(line.message)"])
        }
        let reader = try KafkaReader(plan, intake, reserve, logger) { status in self.shared.withLock { $0 = status } }
        self.reader.withLock { $0 = reader }
        try reader.run()
    }

    package func close(_ intake: Intake) {
        let reader = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        reader?.close()
    }

    package var status: SourceStatus { shared.withLock { $0 } }
}

/// The consumer and what it needs, on the source's thread (and, after that has ended, on the thread that closes it).
///
/// `@unchecked Sendable`: handed from the one to the other, never shared.
final class KafkaReader: @unchecked Sendable {
    private let plan: KafkaPlan
    private let intake: Intake
    private let logger: Logger
    private let report: (SourceStatus) -> Void
    private let builder: KafkaBatchBuilder
    private let assignments: KafkaAssignments
    private var consumer: Consumer?
    /// The engine's index by the driver's slot number, -1 where there is none.
    private var indexOfSlot: [Int] = []
    private var status = SourceStatus()
    /// What was logged as waited for, and when it was last met.
    private var reported: [String: ContinuousClock.Instant] = [:]
    private var isWaiting = false
    private var lastKeepAlive = ContinuousClock.now
    private var lastOffsetCommit = ContinuousClock.now
    private var lastStatus = ContinuousClock.now

    init(
        _ plan: KafkaPlan, _ intake: Intake, _ reserve: QueueReserve, _ logger: Logger,
        report: @escaping (SourceStatus) -> Void
    ) throws {
        self.plan = plan
        self.intake = intake
        self.logger = logger
        self.report = report
        builder = KafkaBatchBuilder(intake: intake, framing: plan.framing)
        assignments = KafkaAssignments(plan, intake, builder, reserve, logger)
        consumer = try Consumer(plan.configuration)
    }

    func run() throws {
        while !intake.isStopping {
            if intake.needsRewind { try rewind() }
            if builder.prepare(timeout: SourceLimits.poll) {
                try poll(maxMessages: builder.room, timeout: SourceLimits.poll)
                if builder.isDue { builder.submit() }
            } else if .now - lastKeepAlive >= SourceLimits.keepAlive, !intake.needsRewind {
                keepAlive()
            }
            commitOffsets()
            updateStatus()
        }
        builder.submit()
    }

    private func poll(maxMessages: Int, timeout: Duration) throws {
        lastKeepAlive = .now
        let (builder, indices) = (builder, indexOfSlot)
        let result = try consumer!.poll(maxMessages: maxMessages, timeout: timeout, delegate: assignments) { message in
            let index = message.slot < indices.count ? indices[message.slot] : -1
            if index >= 0 { builder.append(message, partition: index) }
        }
        if result.messages > 0 { troubleIsOver() }
        for event in result.events { try handle(event) }
        if assignments.hasChanged { mapSlots() }
    }

    /// No batch is free, so nothing may be read; but a member that does not poll is thrown out of its group. One message
    /// is taken, into a batch beyond the pool's bound.
    private func keepAlive() {
        lastKeepAlive = .now
        builder.prepareBeyondBounds()
        do {
            try poll(maxMessages: 1, timeout: .zero)
            builder.submit()
        } catch {
            logger.warning("Polling to stay in the group failed", metadata: ["reason": "\(error)"])
        }
    }

    private func mapSlots() {
        assignments.hasChanged = false
        indexOfSlot = []
        for (partition, index) in assignments.indices {
            guard let slot = withConsumer({ $0.slot(of: partition) }) else { continue }
            while indexOfSlot.count <= slot { indexOfSlot.append(-1) }
            indexOfSlot[slot] = index
        }
    }

    private func handle(_ event: ConsumerEvent) throws {
        switch event {
        case .partitionEnd: break
        case .offsetOutOfRange(let partition, let error), .partitionStopped(let partition, let error):
            assignments.halt(partition, "\(error)")
            try consumer!.halt([partition])
            status.trouble = haltedSummary
        case .fatal(let error): throw error
        case .pollTooLate(let error), .commitFailed(let error):
            logger.warning("Kafka", metadata: ["reason": "\(error)"])
        case .unknownTopic(let topic, let error): wait("topic \(topic)", error)
        case .brokersDown(let error), .transport(let error): wait("brokers", error)
        case .authentication(let error): wait("authentication", error)
        case .failed(let error): wait("\(error.code)", error)
        }
    }

    /// Shows what is waited for, and logs it once: the client reports an outage broker by broker, try by try.
    private func wait(_ subject: String, _ error: KafkaError) {
        status.trouble = "\(error)"
        guard reported.updateValue(.now, forKey: subject) == nil else { return }
        isWaiting = true
        logger.error("Waiting for Kafka", metadata: ["reason": "\(error)"])
    }

    /// Messages arrive. What comes and goes within a minute is not logged each time.
    private func troubleIsOver() {
        status.trouble = haltedSummary
        guard !reported.isEmpty else { return }
        if isWaiting { logger.notice("Messages arrive again") }
        isWaiting = false
        reported = reported.filter { .now - $0.value < SourceLimits.troubleRepeat }
    }

    /// Lends the consumer, which is there until `close`.
    private func withConsumer<Result>(_ body: (inout Consumer) throws -> Result) rethrows -> Result {
        try body(&consumer!)
    }

    private var haltedSummary: String? {
        let halted = assignments.halted.keys.sorted()
        return halted.isEmpty ? nil : "halted: " + halted.map(\.description).joined(separator: ", ")
    }

    /// Everything since the last commit was dropped: read on from what the database says.
    private func rewind() throws {
        builder.drop()
        let still = try intake.reclaim().owned
        let starts = try assignments.starts(of: still)
        let mine = Set(still.map { TopicPartition($0.partition.key.topic, $0.partition.key.partition) })
        let owned = withConsumer { $0.owned }
        let gone = owned.filter { !mine.contains($0) }
        try consumer!.rewind(starts)
        try consumer!.halt(gone)
        mapSlots()
    }

    private func commitOffsets() {
        guard .now - lastOffsetCommit >= SourceLimits.offsetCommit else { return }
        lastOffsetCommit = .now
        let offsets = intake.takeCommitted()
        guard !offsets.isEmpty else { return }
        consumer!.commitForLagTools(
            Dictionary(
                offsets.map { (TopicPartition($0.key.topic, $0.key.partition), $0.value) },
                uniquingKeysWith: { _, last in last }))
    }

    private func updateStatus() {
        guard .now - lastStatus >= SourceLimits.status else { return }
        lastStatus = .now
        let lag = withConsumer { $0.lag }
        status.lag = lag.isEmpty ? nil : lag.values.reduce(0, +)
        status.queuedBytes = withConsumer { $0.queuedBytes }
        intake.report(waiting: status.lag ?? 0)
        report(status)
    }

    /// Leaves the group. Everything is committed by now, so there is nothing to flush.
    func close() {
        guard consumer != nil else { return }
        lastOffsetCommit = .now - SourceLimits.offsetCommit
        commitOffsets()
        do {
            var leaving: Consumer?
            swap(&leaving, &consumer)
            try leaving.take()?.close(delegate: NothingToFlush())
        } catch {
            logger.warning("Leaving the consumer group took too long", metadata: ["reason": "\(error)"])
        }
    }
}

/// The delegate of a consumer that has nothing left to commit.
private struct NothingToFlush: RebalanceDelegate {
    func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] { [] }
    func revoked(_ partitions: [TopicPartition]) {}
    func lost(_ partitions: [TopicPartition]) {}
}
