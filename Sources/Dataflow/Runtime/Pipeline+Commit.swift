/// The commit thread: seals epochs, waits until they are drained, gathers their groups, and has them written.
extension Pipeline {
    func runCommits() {
        do {
            while let step = nextStep() {
                switch step {
                case .write(let epoch): try write(gather(epoch))
                case .confirm: try confirm()
                case .log(let news): log(news)
                case .end: break
                }
            }
        } catch {
            fail(error)
        }
        monitor.update {
            $0.hasEnded = true
            $0.isCancelled = true
        }
    }

    private enum CommitStep { case write(UInt64), confirm, log([PressureWatch.News]), end }

    /// The next thing to do, or nil when everything is written and the sources have ended.
    private func nextStep() -> CommitStep? {
        let step: CommitStep = monitor.wait(as: .committer, until: nextMoment) { state in
            if state.isCancelled || (state.isDraining && state.epochs.isIdle) { return .end }
            if state.epochs.seal(isDue: isDue(state)) {
                state.lastSeal = .now
                state.openRecords = 0
                state.sealedBytes = plan.memory.held(by: .groups)
            }
            if let epoch = state.epochs.takeDrained() { return .write(epoch) }
            let news = lookAtMemory(&state)
            if !news.isEmpty { return .log(news) }
            guard state.epochs.isIdle, .now >= state.lastLook + Limits.idleConfirm else { return nil }
            state.lastLook = .now
            return .confirm
        }
        if case .end = step { return nil }
        return step
    }

    private func write(_ closed: ClosedEpoch) throws {
        let started = ContinuousClock.now
        do {
            switch try plan.target.commit(closed, context) {
            case .committed: book(closed, took: .now - started)
            case .fenced(let reason), .refused(let reason): rewind(closed, reason)
            }
        } catch {
            release(closed)
            throw error
        }
    }

    /// Nothing was written for a while: has the database gone back behind our back?
    private func confirm() throws {
        let standing = monitor.withLock { $0.partitions.compactMap(\.standing) }
        guard !standing.isEmpty else { return }
        do {
            if case .fenced(let reason) = try plan.target.confirm(standing, stoppableContext) {
                logRewind(reason)
                discard()
            }
        } catch is WaitCancelled {
            // The database is away and the pipeline is stopping: there may still be something to write, or nothing.
        }
    }

    /// Whether the open epoch should be sealed as soon as it can be.
    func isDue(_ state: PipelineState) -> Bool {
        if state.isDraining || state.flushTarget >= state.epochs.open { return true }
        if pressure(state) >= .closeEarly { return true }
        if let ledger = state.ledgers[state.epochs.open], ledger.deadLetters.count >= Limits.deadLettersPerEpoch {
            return true
        }
        return .now >= dueMoment(state)
    }

    /// How long an epoch lasts that holds so many records while so many wait.
    static func epochLength(_ interval: Duration, waiting: Int64, held: Int64) -> Duration {
        waiting > held ? interval * Limits.catchUpIntervals : interval
    }

    /// When the open epoch is due by time: after the interval, or some of them while it is only the smaller part of what
    /// waits.
    private func dueMoment(_ state: PipelineState) -> ContinuousClock.Instant {
        let waiting = state.waiting.reduce(0, +)
        return state.lastSeal
            + Self.epochLength(plan.settings.commitInterval, waiting: waiting, held: state.openRecords)
    }

    /// When there is something to do if nothing happens before: the open epoch is due, or, with nothing to write, the
    /// connection should be looked at. Asked again after every change: the first batch of an epoch may come while the
    /// commit thread sleeps.
    private func nextMoment(_ state: PipelineState) -> ContinuousClock.Instant? {
        let news = state.pressureWatch.nextMoment
        if state.epochs.isIdle { return min(state.lastLook + Limits.idleConfirm, news ?? .now + Limits.idleConfirm) }
        guard state.epochs.openBatches > 0, state.epochs.sealed == .none else { return news }
        return min(dueMoment(state), news ?? dueMoment(state))
    }

    /// Merges what the workers gathered, derives what follows from it, and takes the epoch's ledger.
    private func gather(_ epoch: UInt64) -> ClosedEpoch {
        // While one worker's groups are merged into another's, they exist twice.
        let twice = monitor.withLock { $0.sealedBytes / plan.settings.workers }
        monitor.withLock { $0.sealedBytes += twice }
        var deltas: [Int: any Delta] = [:]
        for stage in stages {
            for (node, worker) in stage.aggregates() {
                guard let delta = worker.takeDelta(epoch: epoch) else { continue }
                if let first = deltas[node] { first.absorb(delta) } else { deltas[node] = delta }
            }
        }
        deltas.values.forEach { $0.complete() }
        monitor.withLock { $0.sealedBytes -= twice }
        giveBackFreeMemory()
        return monitor.withLock { state in
            let ledger = state.ledgers.removeValue(forKey: epoch) ?? EpochLedger()
            let standing = state.partitions.indices.filter { ledger.advances[$0] == nil }
                .compactMap { state.partitions[$0].standing }
            return ClosedEpoch(
                number: epoch, advances: ledger.advances.values.sorted { $0.key < $1.key },
                standing: standing.sorted { $0.key < $1.key }, deltas: deltas,
                deadLetters: ledger.deadLetters, partitionKeys: state.partitions.map(\.key))
        }
    }

    /// Gives back the memory of an epoch that is over.
    private func release(_ closed: ClosedEpoch) {
        closed.deltas.values.forEach { $0.release() }
        plan.memory.draw(-closed.deadLetters.memoryBytes, for: .rows)
    }

    private func book(_ closed: ClosedEpoch, took duration: Duration) {
        let rows = closed.deltas.values.reduce(0) { $0 + $1.groupCount }
        release(closed)
        monitor.update { state in
            state.epochs.commit()
            for advance in closed.advances {
                guard let index = state.partitions.firstIndex(where: { $0.key == advance.key }) else { continue }
                if state.partitions[index].ownerEpoch == advance.ownerEpoch {
                    state.partitions[index].committed = advance.to
                }
                state.committedOffsets[state.partitions[index].source][advance.key] = advance.to
            }
            state.progress.epochs += 1
            state.progress.rows += Int64(rows)
            state.progress.lastCommit = duration
        }
    }

    /// The database did not take the epoch: drop what came after the last commit and have every source read its positions
    /// again.
    private func rewind(_ closed: ClosedEpoch, _ reason: String) {
        release(closed)
        logRewind(reason)
        monitor.update { state in
            state.epochs.fence()
            state.isDiscarding = true
        }
        finishDiscard()
    }

    /// Drops everything since the last commit; an epoch being written is waited for, because its outcome decides where
    /// reading continues.
    func discard() {
        let hasBegun = monitor.wait { state -> Bool? in
            if state.hasEnded { return false }
            if case .writing = state.epochs.sealed { return nil }
            if state.isDiscarding { return nil }
            state.epochs.discard()
            state.isDiscarding = true
            return true
        }
        guard hasBegun == true else { return }
        finishDiscard()
    }

    private func finishDiscard() {
        _ = monitor.wait { $0.epochs.batchesInFlight == 0 ? true : nil }
        for stage in stages {
            for (_, worker) in stage.aggregates() { worker.discard() }
        }
        monitor.update { state in
            for ledger in state.ledgers.values { plan.memory.draw(-ledger.deadLetters.memoryBytes, for: .rows) }
            state.ledgers = [:]
            state.openRecords = 0
            state.rewindRequired = state.rewindRequired.map { _ in true }
            state.isDiscarding = false
        }
    }

    func flush(within timeout: Duration) -> Bool {
        let start = monitor.update { state in
            if state.epochs.openBatches > 0 { state.flushTarget = max(state.flushTarget, state.epochs.open) }
            return (target: state.epochs.open, generation: state.epochs.generation)
        }
        // The thread that waits for the work may be the one that has to do it.
        work(leaving: 0)
        let isFlushed: Bool? = monitor.wait(timeout: timeout) { state in
            if state.hasEnded { return false }
            // Whoever asks next whether a rewind is due must be told: that is known when the discard is over.
            if state.epochs.generation != start.generation { return state.isDiscarding ? nil : false }
            let isEmpty = state.epochs.open == start.target && state.epochs.openBatches == 0
            if state.epochs.sealed == .none, isEmpty || state.epochs.committed >= start.target { return true }
            return nil
        }
        return isFlushed ?? false
    }
}

// MARK: - Positions

extension Pipeline {
    func register(_ claimed: [ClaimedPartition], source: Int) -> [(index: Int, partition: ClaimedPartition)] {
        monitor.withLock { state in
            claimed.map { partition in
                let fresh = PartitionState(
                    key: partition.key, source: source, ownerEpoch: partition.ownerEpoch, next: partition.nextOffset,
                    committed: partition.nextOffset)
                if let index = state.partitions.firstIndex(where: { $0.key == partition.key }) {
                    state.partitions[index] = fresh
                    return (index, partition)
                }
                state.partitions.append(fresh)
                return (state.partitions.count - 1, partition)
            }
        }
    }

    func begin(_ starts: [(index: Int, offset: Int64)]) throws {
        let partitions = monitor.withLock { state in
            starts.map { start in
                let partition = state.partitions[start.index]
                return ClaimedPartition(
                    key: partition.key, ownerEpoch: partition.ownerEpoch, nextOffset: start.offset, tail: nil)
            }
        }
        try plan.target.begin(partitions, stoppableContext)
        monitor.withLock { state in
            for start in starts {
                state.partitions[start.index].next = start.offset
                state.partitions[start.index].committed = start.offset
            }
        }
    }

    func reclaim(source: Int) throws -> [(index: Int, partition: ClaimedPartition)] {
        let mine = monitor.withLock { state in
            state.rewindRequired[source] = false
            return state.partitions.filter { $0.source == source && $0.isActive }.map {
                ClaimedPartition(key: $0.key, ownerEpoch: $0.ownerEpoch, nextOffset: $0.next, tail: nil)
            }
        }
        let still = try plan.target.owned(mine.sorted { $0.key < $1.key }, stoppableContext)
        return register(still, source: source)
    }

    func release(_ indices: [Int]) {
        monitor.withLock { state in
            for index in indices { state.partitions[index].isActive = false }
        }
    }
}
