import Synchronization

/// Batches on their way: out of the pool, through the stages, back into the pool.
extension Pipeline {
    /// Batches a source may have at once: one being filled, some waiting, one in each worker.
    private var batchesMax: Int { plan.settings.workers + Limits.mailboxBatchesMax + 1 }

    func makeBatch(source: Int, timeout: Duration) -> Batch? {
        let batch: Batch?? = monitor.wait(timeout: timeout) { state -> Batch?? in
            if state.isStopping || state.rewindRequired[source] { return .some(nil) }
            guard !state.isDiscarding, hasRoom(state) else { return nil }
            if let free = state.freeBatches[source].popLast() {
                free.generation = state.epochs.generation
                return free
            }
            guard state.allocatedBatches[source] < batchesMax else { return nil }
            state.allocatedBatches[source] += 1
            return allocate(plan.settings.batchBytes, source: source, generation: state.epochs.generation)
        }
        return batch ?? nil
    }

    /// Whether more may be read: the epoch being filled and the one being written have room for groups and dead letters.
    private func hasRoom(_ state: PipelineState) -> Bool {
        guard plan.memory.held(by: .groups) < 2 * plan.memory.epochShare else { return false }
        let letters = state.ledgers[state.epochs.open]?.deadLetters.count ?? 0
        return letters < 2 * Limits.deadLettersPerEpoch || state.epochs.sealed == .none
    }

    func makeBatchBeyondBounds(source: Int) -> Batch {
        monitor.withLock { state in
            state.allocatedBatches[source] += 1
            return allocate(4_096, source: source, generation: state.epochs.generation)
        }
    }

    private func allocate(_ payloadBytes: Int, source: Int, generation: UInt64) -> Batch {
        let batch = Batch(payloadBytes: payloadBytes, columnTypes: plan.sources[source].columnTypes)
        batch.source = source
        batch.generation = generation
        return batch
    }

    func submit(_ batch: Batch) {
        let stage = graph.stageOfNode[plan.sources[batch.source].child]
        let accepted = monitor.update { state in
            guard batch.generation == state.epochs.generation, !batch.runs.isEmpty else { return false }
            (batch.epoch, batch.generation) = state.epochs.admit(at: .now)
            state.nextSerial += 1
            batch.serial = state.nextSerial
            batch.references.store(1, ordering: .relaxed)
            state.advance(batch)
            state.queues[stage].append(Work(stage: stage, batch: batch, rows: nil))
            return true
        }
        if !accepted { recycle(batch) }
    }

    func recycle(_ batch: Batch) {
        batch.reset(payloadBytes: plan.settings.batchBytes)
        let bytes = batch.memoryBytes
        plan.memory.draw(bytes - batch.accountedBytes, for: .batches)
        batch.accountedBytes = bytes
        monitor.update { state in
            if state.allocatedBatches[batch.source] > batchesMax {
                state.allocatedBatches[batch.source] -= 1
                plan.memory.draw(-bytes, for: .batches)
            } else {
                state.freeBatches[batch.source].append(batch)
            }
        }
    }

    /// One worker thread: takes the work farthest downstream that may run, until the pipeline has ended.
    func runWorker() {
        while let work = nextWork() {
            stages[work.stage].run(work) { node, selection in forward(work.batch, to: node, selection) }
            finish(work)
        }
    }

    private func nextWork() -> Work? {
        let next: Work?? = monitor.wait { state -> Work?? in
            // Stages are numbered upstream first, so the highest number that can run drains the pipeline.
            for stage in state.queues.indices.reversed() where !state.queues[stage].isEmpty {
                let definition = graph.stages[stage]
                guard state.active[stage] < definition.permits else { continue }
                let hasRoom = definition.downstream.allSatisfy {
                    state.queues[$0].count + state.reserved[$0] < Limits.mailboxBatchesMax
                }
                guard hasRoom else { continue }
                state.active[stage] += 1
                for next in definition.downstream { state.reserved[next] += 1 }
                return .some(state.queues[stage].removeFirst())
            }
            return state.hasEnded ? .some(nil) : nil
        }
        return next ?? nil
    }

    private func forward(_ batch: Batch, to node: Int, _ selection: RowSelection) {
        let stage = graph.stageOfNode[node]
        batch.references.wrappingAdd(1, ordering: .relaxed)
        let list = RowList(copying: selection)
        monitor.update { $0.queues[stage].append(Work(stage: stage, batch: batch, rows: list)) }
    }

    private func finish(_ work: Work) {
        let batch = work.batch
        let isLast = batch.references.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
        monitor.update { state in
            state.active[work.stage] -= 1
            for next in graph.stages[work.stage].downstream { state.reserved[next] -= 1 }
            guard isLast else { return }
            guard state.epochs.complete(epoch: batch.epoch, generation: batch.generation) else { return }
            state.settle(batch)
            plan.memory.draw(batch.deadLetters.memoryBytes, for: .rows)
        }
        if isLast { recycle(batch) }
    }
}
