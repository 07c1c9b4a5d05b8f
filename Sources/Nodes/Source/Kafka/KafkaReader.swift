import Dataflow
import Kafka
import Logging

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
    private let troubles: KafkaTroubles
    private let watch: LogWatch
    private let memberships: KeptMemberships?
    private var consumer: Consumer?
    private var hasEndedInOrder = false
    /// The engine's index by the driver's slot number, -1 where there is none.
    private var indexOfSlot: [Int] = []
    private var lastKeepAlive = ContinuousClock.now
    private var lastOffsetCommit = ContinuousClock.now
    private var lastStatus = ContinuousClock.now
    private var nextWatch = ContinuousClock.now
    private var lastRows = ContinuousClock.now
    /// When something came last.
    private var lastNews = ContinuousClock.now
    /// Since when the group has assigned nothing.
    private var unassignedSince: ContinuousClock.Instant? = .now
    /// Since when it has assigned that nothing is ours.
    private var idleSince: ContinuousClock.Instant?

    init(
        _ plan: KafkaPlan, _ intake: Intake, _ reserve: QueueReserve, _ memberships: KeptMemberships?, _ logger: Logger,
        report: @escaping (SourceStatus) -> Void
    ) throws {
        self.plan = plan
        self.intake = intake
        self.logger = logger
        self.report = report
        builder = KafkaBatchBuilder(intake: intake, framing: plan.framing, texts: plan.messageTexts)
        troubles = KafkaTroubles(logger)
        watch = LogWatch(plan.configuration.connection, intake)
        assignments = KafkaAssignments(plan, intake, builder, reserve, troubles, logger)
        self.memberships = memberships
        consumer = try memberships?.take(plan.configuration) ?? Consumer(plan.configuration)
    }

    func run() throws {
        let waker = withConsumer { $0.waker }
        intake.setWaker { waker.wake() }
        defer { intake.setWaker(nil) }
        try assignments.found()
        while !intake.isStopping {
            if intake.needsRewind { try rewind() }
            if builder.prepare(timeout: SourceLimits.poll) {
                let waits = builder.isEmpty && isQuiet
                try poll(maxMessages: builder.room, timeout: waits ? pollOfQuiet : SourceLimits.poll)
                if builder.isDue {
                    reportEnds()
                    builder.submit()
                }
            } else if .now - lastKeepAlive >= SourceLimits.keepAlive, !intake.needsRewind {
                try keepAlive()
            }
            try tend()
        }
        builder.submit()
        hasEndedInOrder = true
    }

    /// Whether nothing has come for a while.
    private var isQuiet: Bool { .now - lastNews >= SourceLimits.quiet }

    /// Nothing that is to be done now and then comes much too late.
    private var pollOfQuiet: Duration { min(SourceLimits.pollOfQuiet, plan.pace.watch / 2) }

    /// Takes what the client has. An error that may pass does not end the pipeline: the next poll asks again.
    private func poll(maxMessages: Int, timeout: Duration) throws {
        lastKeepAlive = .now
        do {
            try take(maxMessages: maxMessages, timeout: timeout)
        } catch let error as KafkaError where error.isRetryable {
            troubles.met(.group, "\(error)")
            Pause.wait(SourceLimits.secondLook)
        }
    }

    private func take(maxMessages: Int, timeout: Duration) throws {
        let (builder, indices) = (builder, indexOfSlot)
        // Whose messages come is of interest only while something is in the way.
        let isTroubled = !troubles.isEmpty
        var slots: Set<Int> = []
        let result = try consumer!.poll(maxMessages: maxMessages, timeout: timeout, delegate: assignments) { message in
            let index = message.slot < indices.count ? indices[message.slot] : -1
            if index >= 0 { builder.append(message, partition: index) }
            if isTroubled { slots.insert(message.slot) }
        }
        if result.messages > 0 || !result.ends.isEmpty || !result.events.isEmpty { noteNews() }
        for gap in withConsumer({ $0.takeGaps() }) where gap.slot < indices.count && indices[gap.slot] >= 0 {
            builder.skip(indices[gap.slot], from: gap.from, to: gap.to)
        }
        if isTroubled, result.messages > 0 || !result.ends.isEmpty {
            troubles.answered()
            for slot in slots.union(result.ends) {
                troubles.over(.topic(withConsumer { $0.partition(ofSlot: slot) }.topic))
            }
        }
        for event in result.events { try handle(event) }
        if assignments.hasChanged { mapSlots() }
    }

    /// Something has come, so that the logs are looked at often again.
    private func noteNews() {
        lastNews = .now
        nextWatch = min(nextWatch, lastNews + plan.pace.watch)
    }

    /// No batch is free, so nothing may be read; but a member that does not poll is thrown out of its group. One message
    /// is taken, into a batch beyond the pool's bound.
    private func keepAlive() throws {
        builder.prepareBeyondBounds()
        try poll(maxMessages: 1, timeout: .zero)
        builder.submit()
    }

    private func mapSlots() {
        assignments.hasChanged = false
        indexOfSlot = []
        for (partition, state) in assignments.partitions {
            guard let slot = withConsumer({ $0.slot(of: partition) }) else { continue }
            while indexOfSlot.count <= slot { indexOfSlot.append(-1) }
            indexOfSlot[slot] = state.index
        }
    }

    private func handle(_ event: ConsumerEvent) throws {
        switch event {
        case .partitionEnd: break
        case .offsetOutOfRange(let partition, let error), .partitionStopped(let partition, let error):
            // Not believed: the log is asked.
            try stop([partition], "\(error)")
        case .fatal(let error): throw error
        case .pollTooLate(let error), .commitFailed(let error):
            logger.warning("Kafka", metadata: ["reason": "\(error)"])
        case .unknownTopic(let topic, let error):
            troubles.met(.topic(topic), "\(error)")
            // It may come back as another one of the same name.
            try stop(assignments.partitions.keys.filter { $0.topic == topic }, "\(error)")
        case .topicRefused(let topic, let error): troubles.met(.topic(topic), "\(error)")
        case .brokersDown(let error), .transport(let error): troubles.met(.connection, "\(error)")
        case .authentication(let error): try troubles.refused(error)
        case .failed(let error) where error.code == .protocolMismatch: try troubles.refused(error)
        case .failed(let error): troubles.met(error.code == .authorization ? .security : .connection, "\(error)")
        }
    }

    /// Stops reading partitions until their logs have been asked.
    private func stop(_ partitions: [TopicPartition], _ reason: String) throws {
        let reading = partitions.filter { assignments.partitions[$0]?.isReading ?? false }
        guard !reading.isEmpty else { return }
        // What was read of them is handed over first: the engine knows only what it was given.
        builder.submit()
        let positions = positions()
        for partition in reading { assignments.postpone(partition, at: positions[partition], reason) }
        try consumer!.halt(reading)
        nextWatch = .now
    }

    /// Where the consumer stands in the partitions it reads.
    private func positions() -> [TopicPartition: Int64] {
        var result: [TopicPartition: Int64] = [:]
        for start in withConsumer({ $0.positions }) {
            if case .at(let offset) = start.offset { result[start.partition] = offset }
        }
        return result
    }

    /// Lends the consumer, which is there until `close`.
    private func withConsumer<Result>(_ body: (inout Consumer) throws -> Result) rethrows -> Result {
        try body(&consumer!)
    }

    /// Everything since the last commit was dropped: read on from what the database says. What is not ours any more, and what
    /// cannot be read now, stands still.
    private func rewind() throws {
        builder.drop()
        let reclaimed = try intake.reclaim()
        let mine = Set(reclaimed.owned.map(\.partition.topicPartition))
        assignments.setAside(assignments.partitions.keys.filter { !mine.contains($0) })
        try consumer!.rewind(assignments.starts(of: reclaimed.owned))
        mapSlots()
    }

    // MARK: What is done now and then

    private func tend() throws {
        guard .now - lastStatus >= SourceLimits.status else { return }
        lastStatus = .now
        try look()
        try awaitAssignment()
        try troubles.checkRefusal()
        troubles.remind()
        commitOffsets()
        updateStatus()
    }

    /// Has the logs looked at, and does what follows.
    private func look() throws {
        if let report = watch.take() { try act(on: report) }
        guard .now >= nextWatch, watch.isIdle, !intake.needsRewind else { return }
        nextWatch = .now + (isQuiet && assignments.areSound ? plan.pace.watchOfQuiet : plan.pace.watch)
        handOverTails()
        let job = job()
        if !job.questions.isEmpty { watch.begin(job) }
    }

    /// What to ask: of partitions being read, whether the log is still the same one; of the others, whether they can be read.
    private func job() -> LogWatch.Job {
        var job = LogWatch.Job(generation: assignments.generation, questions: [], rows: [])
        let positions = positions()
        let isTimeForRows = .now - lastRows >= plan.pace.mended
        for (partition, state) in assignments.partitions {
            switch state.standing {
            case .reading:
                guard let position = positions[partition] else { continue }
                job.questions.append(
                    LogQuestion(
                        partition: partition, position: position, tail: builder.tails.beginLook(state.index)))
            case .postponed(_, let next):
                if .now >= next { job.questions.append(LogQuestion(state.row)) }
            case .halted:
                guard isTimeForRows else { continue }
                job.questions.append(LogQuestion(state.row))
                job.rows.append(state.row)
            }
        }
        if isTimeForRows { lastRows = .now }
        return job
    }

    private func act(on report: LogWatch.Report) throws {
        if let problem = report.problem { logger.debug("Logs not looked at", metadata: ["reason": "\(problem)"]) }
        guard report.job.generation == assignments.generation, !intake.needsRewind else { return }
        if let rows = report.rows, !assignments.adopt(rows, of: report.job.rows) { return builder.drop() }
        var starts: [PartitionStart] = []
        for question in report.job.questions {
            guard let state = assignments.partitions[question.partition],
                let answer = report.answers[question.partition]
            else { continue }
            if !state.isReading {
                if let start = try assignments.settle(question.partition, answer) { starts.append(start) }
            } else if case .unsound(let reason, _) = answer {
                isReplaced(question, reason)
                return
            } else if case .unknown(let error) = answer {
                assignments.hasNoAnswer(question.partition, "\(error)")
            } else if case .sound = answer {
                assignments.hasNoAnswer(question.partition, nil)
                troubles.answered()
                troubles.over(.topic(question.partition.topic))
                if let tail = question.tail { builder.tails.found(state.index, tail) }
            }
        }
        assignments.tell()
        if !starts.isEmpty { try consumer!.resume(starts) }
        if assignments.hasChanged { mapSlots() }
    }

    /// The log of a partition being read is not the one that was read before. What was read since the last commit is dropped;
    /// the rewind that follows finds the same and halts the partition.
    private func isReplaced(_ question: LogQuestion, _ reason: String) {
        logger.error(
            "A log was replaced while it was read",
            metadata: [
                "partition": "\(question.partition)", "reason": "\(reason)",
                "hint": """
                records behind offset \(question.tail?.offset ?? -1), up to what next_offset in millrace.partitions says \
                now, may be counted of either log
                """,
            ])
        builder.drop()
        intake.discard()
    }

    /// Stores the tails that were proven, of partitions of which nothing more has come.
    private func handOverTails() {
        let unhanded = Set(builder.tails.unhanded)
        guard !unhanded.isEmpty, builder.prepare(timeout: .zero) else { return }
        let positions = positions()
        for (partition, state) in assignments.partitions where unhanded.contains(state.index) {
            guard let position = positions[partition] else { continue }
            builder.skip(state.index, from: position, to: position)
        }
    }

    /// Says that partitions are waited for; joins the group again for those that were taken over.
    private func awaitAssignment() throws {
        if withConsumer({ $0.isAssigned }) {
            if unassignedSince != nil {
                troubles.answered()
                troubles.over(.group)
                if assignments.hasNone {
                    logger.notice(
                        "The group has no partitions left for this instance",
                        metadata: ["group": "\(plan.configuration.group ?? "")"])
                }
            }
            unassignedSince = nil
            idleSince = assignments.hasNone ? idleSince ?? .now : nil
        } else {
            idleSince = nil
            let since = unassignedSince ?? .now
            unassignedSince = since
            if .now - since >= SourceLimits.assignment, !troubles.explainsSilence {
                troubles.met(
                    .group,
                    "the group \(plan.configuration.group ?? "") has not assigned partitions yet; a member that ended "
                        + "without leaving is waited for up to session.timeout.ms")
            }
        }
        // Taken over by another instance, and read by nobody for a while: an assignment claims them.
        let claimable = intake.takeClaimable()
        guard !claimable.isEmpty else { return }
        logger.notice(
            "Joining the group again, for partitions that were taken over and are not read",
            metadata: ["partitions": "\(claimable.map(\.description).joined(separator: ", "))"])
        unassignedSince = .now
        builder.submit()
        try withConsumer { consumer in try consumer.rejoin() }
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
        var status = SourceStatus()
        let lag = withConsumer { $0.lag }
        status.lag = lag.isEmpty ? nil : lag.values.reduce(0, +)
        status.queuedBytes = withConsumer { $0.queuedBytes }
        status.trouble = troubles.summary
        if let idleSince, .now - idleSince >= SourceLimits.assignment { status.idleGroup = plan.configuration.group }
        intake.report(waiting: status.lag ?? 0)
        report(status)
    }

    /// Says where the logs end of the partitions being read: as far behind the next message as messages wait.
    private func reportEnds() {
        let (waiting, positions) = (withConsumer { $0.lag }, positions())
        intake.report(
            ends: assignments.partitions.compactMap { partition, state in
                guard let count = waiting[partition], let next = positions[partition] else { return nil }
                return (state.index, next + count)
            })
    }

    /// Leaves the group, unless the membership is kept for whoever comes next. Everything is committed by now.
    func close() {
        watch.close()
        guard consumer != nil else { return }
        lastOffsetCommit = .now - SourceLimits.offsetCommit
        commitOffsets()
        var leaving = consumer.take()
        if let memberships, hasEndedInOrder, let kept = leaving.take() {
            leaving = memberships.keep(kept, of: plan.configuration, logger)
        }
        // Of `run`, whose end is the end of all, the next line says enough.
        leaving.take()?.leave(plan.configuration.group, level: memberships == nil ? .debug : .info, logger)
    }
}
