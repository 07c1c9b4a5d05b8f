import Logging
import Platform
import Synchronization

/// Batches on their way: out of the pool, through the stages, back into the pool.
extension Pipeline {
    /// An empty batch; while there is none, the source's thread works on what is waiting.
    func makeBatch(source: Int, timeout: Duration) -> Batch? {
        let deadline = schedule.now + timeout
        while true {
            let next: Next? = monitor.wait(as: .sources, timeout: max(.zero, deadline - schedule.now)) { state in
                if state.life.isStopping || state.rewind.isDue(source) { return .nothing }
                if let batch = takeBatch(source, &state) { return .batch(batch) }
                return takeWork(&state, leaving: lookAhead).map { .work($0) }
            }
            switch next {
            case .batch(let batch): return batch
            case .work(let work): perform(work)
            case .nothing, nil: return nil
            }
        }
    }

    private enum Next { case batch(Batch), work(Work), nothing }

    private func takeBatch(_ source: Int, _ state: inout PipelineState) -> Batch? {
        let pressure = pressure(state)
        guard state.rewind.admits(source), pressure < .stopReading, hasRoomForDeadLetters(state) else { return nil }
        let settings = plan.settings
        let bytes = pressure.batchBytes(of: state.pace?.bytes(of: settings.batchBytes) ?? settings.batchBytes)
        let messages = state.pace?.messages(of: settings.batchMessagesMax) ?? settings.batchMessagesMax
        if let free = state.freeBatches[source].popLast() {
            free.resize(payloadBytes: bytes)
            account(for: free)
            free.generation = state.epochs.generation
            free.messagesMax = messages
            return free
        }
        guard state.allocatedBatches[source] < settings.batchesMax else { return nil }
        state.allocatedBatches[source] += 1
        return allocate(bytes, messages, source: source, generation: state.epochs.generation)
    }

    /// Whether the epoch being filled has room for dead letters while it cannot be written.
    private func hasRoomForDeadLetters(_ state: PipelineState) -> Bool {
        let letters = state.ledgers[state.epochs.open]?.deadLetters.count ?? 0
        return letters < 2 * Limits.deadLettersPerEpoch || !state.isOpenEpochHeldUp
    }

    func makeBatchBeyondBounds(source: Int) -> Batch {
        monitor.withLock { state in
            state.allocatedBatches[source] += 1
            // What a source reads while a rewind is under way or due belongs to no generation.
            let generation = state.rewind.admits(source) ? state.epochs.generation : .max
            return allocate(4_096, plan.settings.batchMessagesMax, source: source, generation: generation)
        }
    }

    private func allocate(_ payloadBytes: Int, _ messagesMax: Int, source: Int, generation: UInt64) -> Batch {
        let batch = Batch(payloadBytes: payloadBytes, layout: plan.sources[source].layout)
        batch.source = source
        batch.generation = generation
        batch.messagesMax = messagesMax
        account(for: batch)
        return batch
    }

    /// Tells the accountant what a batch holds now.
    private func account(for batch: Batch) {
        let bytes = batch.memoryBytes
        plan.memory.draw(bytes - batch.accountedBytes, for: .batches)
        batch.accountedBytes = bytes
    }

    /// Puts a batch into the mailbox of its stage, then works until no more waits there than the workers soon take: a
    /// batch is parsed fastest on the core that has just read it, and with one worker there is no hop at all.
    func submit(_ batch: Batch) {
        let stage = graph.stageOfNode[plan.sources[batch.source].child]
        let admission: Admission = monitor.update { state, woken in
            woken = .workers
            let isWanted = batch.generation == state.epochs.generation && state.rewind.admits(batch.source)
            guard isWanted, !batch.runs.isEmpty else { return .dropped }
            if let misplaced = state.misplacement(in: batch) {
                return .misplaced(misplaced, isRepeated: state.note(misplaced))
            }
            // The commit thread knows when a filling epoch is due; that one has begun to fill is news.
            if state.epochs.openBatches == 0 { woken.insert(.committer) }
            (batch.epoch, batch.generation) = state.epochs.admit()
            state.nextSerial += 1
            batch.serial = state.nextSerial
            batch.references.store(1, ordering: .relaxed)
            state.advance(batch)
            state.queues[stage].append(Work(stage: stage, batch: batch, rows: nil))
            return .admitted
        }
        if case .admitted = admission { return work(leaving: lookAhead) }
        recycle(batch)
        guard case .misplaced(let misplaced, let isRepeated) = admission else { return }
        // Once, a source has lost its way. Twice without getting any further, and reading again does not help.
        if isRepeated { return fail(misplaced) }
        logger.error("Records do not follow on those before", metadata: ["reason": "\(misplaced)"])
        drop()
    }

    /// What became of a batch that was handed over.
    private enum Admission { case admitted, dropped, misplaced(MisplacedRun, isRepeated: Bool) }

    /// Batches a source leaves waiting for each worker thread, so that none of them runs dry while the source's thread
    /// works on a batch itself.
    private var lookAhead: Int { workerThreads }

    /// Works on what is waiting until at most `left` batches wait in front of any stage that could run.
    func work(leaving left: Int) {
        while let work = monitor.withLock({ takeWork(&$0, leaving: left) }) { perform(work) }
    }

    func recycle(_ batch: Batch) { recycle(batch, monitor.withLock { pressure($0) }) }

    /// Puts a batch back into the pool; under pressure only as large as it will be handed out again.
    private func recycle(_ batch: Batch, _ pressure: MemoryPressure) {
        batch.reset()
        if pressure >= .shrinkBatches {
            batch.resize(payloadBytes: pressure.batchBytes(of: plan.settings.batchBytes))
        } else {
            batch.shrink(payloadBytes: plan.settings.batchBytes)
        }
        account(for: batch)
        monitor.update { state, woken in
            woken = .sources
            if state.allocatedBatches[batch.source] > plan.settings.batchesMax {
                state.allocatedBatches[batch.source] -= 1
                plan.memory.draw(-batch.accountedBytes, for: .batches)
            } else {
                state.freeBatches[batch.source].append(batch)
            }
        }
    }

    /// Threads that do nothing but work; the threads of sources make up the number of workers. Where permits come from
    /// elsewhere there is one at least: they may come when no source has anything to do.
    var workerThreads: Int { max(plan.settings.workers - 1, gates.isEmpty ? 0 : 1) }

    /// One worker thread: takes the work farthest downstream that may run, until the pipeline has ended.
    func runWorker() {
        while true {
            let next: Next? = monitor.wait(as: .workers) { state in
                if let work = takeWork(&state, leaving: 0, isWorker: true) { return .work(work) }
                return state.life.hasEnded ? .nothing : nil
            }
            guard case .work(let work) = next else { return }
            perform(work)
        }
    }

    private func perform(_ work: Work) {
        let began = graph.stages[work.stage].takesLong ? schedule.now : nil
        stages[work.stage].run(work) { node, selection in forward(work.batch, to: node, selection) }
        if let began {
            let (time, isFull) = (schedule.now - began, work.batch.isHalfFull)
            monitor.withLock { $0.pace?.passed(in: time, isFull: isFull) }
        }
        finish(work)
    }

    /// The next work that may run, unless no more than `left` batches wait in front of its stage.
    /// - Parameter isWorker: whether the thread does nothing else. A source's thread does not go where it may have to wait for
    ///   permits of other processes: nobody else asks its source for news.
    private func takeWork(_ state: inout PipelineState, leaving left: Int, isWorker: Bool = false) -> Work? {
        // Stages are numbered upstream first, so the highest number that can run drains the pipeline.
        for stage in state.queues.indices.reversed() where state.queues[stage].count > left {
            let definition = graph.stages[stage]
            guard state.active[stage] < definition.permits, isWorker || definition.gate?.taker != .node else {
                continue
            }
            let hasRoom = definition.downstream.allSatisfy {
                state.queues[$0].count + state.reserved[$0] < Limits.mailboxBatchesMax
            }
            guard hasRoom else {
                definition.gate?.note(queued: 0)
                continue
            }
            let isAdmitted = definition.gate?.admit(active: state.active[stage], queued: state.queues[stage].count)
            guard isAdmitted ?? true else { continue }
            state.active[stage] += 1
            for next in definition.downstream { state.reserved[next] += 1 }
            // A source's thread takes the batch it has just read, a worker the one that waits longest. What an epoch waits
            // for that is to be written goes first: it would wait for ever where all others come from the source's hand.
            let isWaitedFor = state.queues[stage][0].batch.epoch != state.epochs.open
            return left > 0 && !definition.isOrdered && !isWaitedFor
                ? state.queues[stage].removeLast() : state.queues[stage].removeFirst()
        }
        return nil
    }

    private func forward(_ batch: Batch, to node: Int, _ selection: RowSelection) {
        let stage = graph.stageOfNode[node]
        let list = RowList(copying: selection)
        monitor.update { state, woken in
            woken = .workers
            // A batch that was dropped while a stage worked on it goes no further.
            guard batch.generation == state.epochs.generation else { return }
            batch.references.wrappingAdd(1, ordering: .relaxed)
            state.queues[stage].append(Work(stage: stage, batch: batch, rows: list))
        }
    }

    private func finish(_ work: Work) {
        let batch = work.batch
        let isLast = batch.references.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
        if isLast { account(for: batch) }
        var news: [PressureWatch.News] = []
        var pressure = MemoryPressure.none
        monitor.update { state, woken in
            woken = []
            // A permit and places in mailboxes are free again.
            if state.queues.contains(where: { !$0.isEmpty }) { woken.formUnion([.workers, .sources]) }
            state.active[work.stage] -= 1
            graph.stages[work.stage].gate?.leave(queued: state.queues[work.stage].count)
            for next in graph.stages[work.stage].downstream { state.reserved[next] -= 1 }
            guard isLast else { return }
            let isCurrent = state.epochs.complete(epoch: batch.epoch, generation: batch.generation)
            if isCurrent {
                state.settle(batch)
                plan.memory.draw(batch.deadLetters.memoryBytes, for: .rows)
            } else {
                state.owe(batch)
            }
            pressure = self.pressure(state)
            news = lookAtMemory(&state)
            let isDropped = state.rewind.phase == .draining && state.epochs.batchesInFlight == 0
            if isDropped || state.epochs.isDrained || state.life.isDraining || isDue(state) { woken.insert(.committer) }
        }
        log(news)
        if isLast { recycle(batch, pressure) }
    }
}
