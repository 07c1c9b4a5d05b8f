import Logging
import Platform
import Synchronization

/// Rewinds: what happens when something that was read must not be committed. `RewindMachine` says in which order.
extension Pipeline {
    /// Drops everything since the last commit and returns when that is done, or the pipeline gives up. An epoch being written
    /// is waited for, because its outcome decides where reading continues.
    ///
    /// The commit thread does it: see `clear`. Called by sources.
    func discard() {
        drop()
        _ = monitor.wait { $0.life.hasGivenUp || $0.rewind.phase == .settled ? true : nil }
    }

    /// Has everything since the last commit dropped. Returns at once.
    func drop() {
        let dropped = monitor.update { state in
            state.rewind.ask(isWriting: state.epochs.isWriting) ? state.drop() : []
        }
        for gate in gates { gate.note(queued: 0) }
        dropped.forEach(recycle)
    }

    /// Throws away what the workers gathered; no batch is in a stage, and none comes before this is done. On the commit
    /// thread.
    func clear() {
        for stage in stages {
            for (_, worker) in stage.aggregates() { worker.discard() }
        }
        monitor.update { state in
            for ledger in state.ledgers.values { plan.memory.draw(-ledger.deadLetters.memoryBytes, for: .rows) }
            state.ledgers = [:]
            state.openRecords = 0
            for index in state.partitions.indices { state.partitions[index].loseUncommitted() }
            state.rewind.cleared()
        }
        wakeSources()
    }

    /// Commits what was handed over so far, and waits for it. False when that took too long, a rewind is due, or the pipeline
    /// gave up.
    func flush(source: Int, within timeout: Duration) -> Bool {
        let target = monitor.update { state in
            if state.epochs.openBatches > 0 { state.flushTarget = max(state.flushTarget, state.epochs.open) }
            return state.epochs.open
        }
        // The thread that waits for the work may be the one that has to do it.
        work(leaving: 0)
        let isFlushed: Bool? = monitor.wait(timeout: timeout) { state in
            if state.life.hasGivenUp { return false }
            // A rewind may be over before this call: then nothing is left to commit, and yet not everything is committed.
            // Whoever is told so asks next whether a rewind is due, which it is when everything is dropped.
            guard state.rewind.phase == .settled else { return nil }
            guard state.rewind.state(of: source) == .reading else { return false }
            let isEmpty = state.epochs.open == target && state.epochs.openBatches == 0
            if state.epochs.sealed == .none, isEmpty || state.epochs.committed >= target { return true }
            return nil
        }
        return isFlushed ?? false
    }

    func logRewind(_ reason: String) {
        logger.warning("Rewinding to the last commit", metadata: ["reason": "\(reason)"])
    }
}

extension PipelineState {
    /// Carries out the drop that the rewind machine has decided on: batches that wait in front of a stage leave, those in a
    /// stage become stale.
    /// - Returns: batches that nobody has any more, to be recycled.
    mutating func drop() -> [Batch] {
        if epochs.isWriting { epochs.fence() } else { epochs.discard() }
        var unused: [Batch] = []
        for stage in queues.indices {
            for work in queues[stage] {
                let left = work.batch.references.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
                guard left == 0 else { continue }
                let isCurrent = epochs.complete(epoch: work.batch.epoch, generation: work.batch.generation)
                precondition(!isCurrent, "a batch outlived the drop of its generation")
                owe(work.batch)
                unused.append(work.batch)
            }
            queues[stage] = []
        }
        return unused
    }

    /// Takes note of records that were read and dropped before they were counted; before `clear`, which makes them owed.
    mutating func owe(_ batch: Batch) {
        for run in batch.runs { partitions[run.partition].settle(batch.estimatedRecords(of: run)) }
    }
}
