import Platform

/// The commit thread: seals epochs when it is their turn, waits until they are drained, gathers their groups, and has them
/// written.
extension Pipeline {
    func runCommits() {
        do {
            while let step = nextStep() {
                switch step {
                case .takeTurn: try takeTurn()
                case .passTurn: plan.target.passTurn()
                case .write(let epoch): try write(gather(epoch))
                case .clear: clear()
                case .look(let keys): try look(at: keys)
                case .confirm: try confirm()
                case .log(let news): log(news)
                case .end: break
                }
            }
            try leaveOutWhatOthersRead()
        } catch {
            fail(error)
        }
        monitor.update { state in
            state.life.commitsEnded(hasFailed: state.failure != nil, at: schedule.now)
            for ledger in state.ledgers.values { plan.memory.draw(-ledger.deadLetters.memoryBytes, for: .rows) }
            state.ledgers = [:]
        }
    }

    private enum CommitStep {
        case takeTurn, passTurn, write(UInt64), clear, look([PartitionKey]), confirm, log([PressureWatch.News]), end
    }

    /// The next thing to do, or nil when everything is written and the sources have ended.
    private func nextStep() -> CommitStep? {
        let step: CommitStep = monitor.wait(as: .committer, until: nextMoment) { state in
            if state.life.hasGivenUp { return .end }
            if state.turn == .taken, state.epochs.sealed == .none, state.epochs.openBatches == 0 {
                state.turn = .none
                return .passTurn
            }
            if state.rewind.phase == .draining, state.epochs.batchesInFlight == 0 {
                state.rewind.drained()
                return .clear
            }
            if state.life.isDraining, state.epochs.isIdle, state.rewind.phase == .settled { return .end }
            if let keys = state.takenOverToLookAt(schedule.now) { return .look(keys) }
            let isDue = state.turn == .taken || isDue(state)
            if isDue, state.turn == .none, state.epochs.canSeal, plan.target.wantsTurn {
                state.turn = .awaited
                return .takeTurn
            }
            if state.epochs.seal(isDue: isDue) {
                state.lastSeal = schedule.now
                state.openRecords = 0
                state.sealedBytes = plan.memory.held(by: .groups)
            }
            if let epoch = state.epochs.takeDrained() {
                state.turn = .none
                return .write(epoch)
            }
            let news = lookAtMemory(&state)
            if !news.isEmpty { return .log(news) }
            guard state.epochs.isIdle, schedule.now >= state.lastLook + Limits.idleConfirm else { return nil }
            state.lastLook = schedule.now
            return .confirm
        }
        if case .end = step { return nil }
        return step
    }

    /// The last epoch of an orderly end was refused because another instance has claimed its partitions: then that one reads
    /// what was not committed here, and it is nothing to complain of.
    private func leaveOutWhatOthersRead() throws {
        let owing = monitor.withLock { state in
            state.life.hasGivenUp ? [] : state.partitions.filter { $0.isActive && $0.owed > 0 }
        }
        guard !owing.isEmpty else { return }
        let asked = owing.map {
            ClaimedPartition(key: $0.key, ownerEpoch: $0.ownerEpoch, nextOffset: $0.next, tail: nil)
        }
        let rows = try plan.target.positions(asked.sorted { $0.key < $1.key }, context)
        monitor.withLock { state in
            for index in state.partitions.indices {
                let partition = state.partitions[index]
                let row = rows.first { $0.key == partition.key }
                if let row, row.ownerEpoch > partition.ownerEpoch { state.partitions[index].oweNothing() }
            }
        }
    }

    /// The open epoch goes on growing while others write.
    private func takeTurn() throws {
        do {
            try plan.target.takeTurn(context)
        } catch is WaitCancelled {
            // The pipeline gives up, which the next step sees.
        }
        monitor.update { $0.turn = .taken }
    }

    private func write(_ closed: ClosedEpoch) throws {
        let started = schedule.now
        do {
            switch try plan.target.commit(closed, context) {
            case .committed: book(closed, took: schedule.now - started)
            case .fenced(let reason), .refused(let reason): refuse(closed, reason)
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
                drop()
            }
        } catch is WaitCancelled {
            // The database is away and the pipeline is stopping: there may still be something to write, or nothing.
        }
    }

    /// Looks at partitions that other instances have taken over: does anybody read them?
    private func look(at keys: [PartitionKey]) throws {
        let asked = keys.sorted().map { ClaimedPartition(key: $0, ownerEpoch: 0, nextOffset: nil, tail: nil) }
        do {
            let rows = try plan.target.positions(asked, stoppableContext)
            monitor.withLock { $0.look(at: keys, rows: rows, schedule.now) }
        } catch is WaitCancelled {
            // The pipeline is stopping.
        }
    }

    /// Whether the open epoch should be sealed as soon as it can be.
    func isDue(_ state: PipelineState) -> Bool {
        if state.life.isDraining || state.flushTarget >= state.epochs.open { return true }
        if pressure(state) >= .closeEarly { return true }
        if let ledger = state.ledgers[state.epochs.open], ledger.deadLetters.count >= Limits.deadLettersPerEpoch {
            return true
        }
        return schedule.now >= dueMoment(state)
    }

    /// How long an epoch lasts that holds so many records while so many wait.
    /// - Parameter commit: how long commits took lately. A commit costs much that does not depend on how much is in it, above
    ///   all the rows that every epoch touches; so an interval shorter than the usual one is stretched to
    ///   `Limits.commitIntervalsPerCommit` times that, but never beyond the usual one.
    static func epochLength(
        _ interval: Duration, waiting: Int64, held: Int64, commit: Duration = .zero
    ) -> Duration {
        let stretched = max(interval, min(commit * Limits.commitIntervalsPerCommit, Limits.commitInterval))
        return waiting > held ? stretched * Limits.catchUpIntervals : stretched
    }

    /// When the open epoch is due by time: after the interval, or some of them while it is only the smaller part of what
    /// waits.
    private func dueMoment(_ state: PipelineState) -> ContinuousClock.Instant {
        let waiting = state.waiting.reduce(0, +)
        return state.lastSeal
            + Self.epochLength(
                plan.settings.commitInterval, waiting: waiting, held: state.openRecords, commit: state.usualCommit)
    }

    /// When there is something to do if nothing happens before: the open epoch is due, or, with nothing to write, the
    /// connection should be looked at. Asked again after every change: the first batch of an epoch may come while the
    /// commit thread sleeps.
    private func nextMoment(_ state: PipelineState) -> ContinuousClock.Instant? {
        var moments = [state.pressureWatch.nextMoment, state.nextTakeoverLook].compactMap(\.self)
        if state.epochs.isIdle {
            moments.append(state.lastLook + Limits.idleConfirm)
        } else if state.epochs.openBatches > 0, state.epochs.sealed == .none {
            moments.append(dueMoment(state))
        }
        return moments.min()
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
            var ledger = state.ledgers.removeValue(forKey: epoch) ?? EpochLedger()
            for index in ledger.advances.keys { ledger.advances[index]?.logEnd = state.partitions[index].logEnd }
            state.sealedPayload = ledger.bytes
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
        let groups = closed.deltas.mapValues { Int64($0.groupCount) }
        release(closed)
        let dropped = monitor.update { state in
            state.epochs.commit()
            state.book(closed)
            state.progress.epochs += 1
            state.progress.groups.merge(groups, uniquingKeysWith: +)
            state.progress.lastCommit = duration
            state.usualCommit = state.usualCommit == .zero ? duration : (state.usualCommit * 3 + duration) / 4
            return state.rewind.outcome(isCommitted: true) ? state.drop() : []
        }
        dropped.forEach(recycle)
    }

    /// The database did not take the epoch: drops it and what came after, and has every source read its positions again.
    private func refuse(_ closed: ClosedEpoch, _ reason: String) {
        release(closed)
        logRewind(reason)
        let dropped = monitor.update { state in
            let mustDrop = state.rewind.outcome(isCommitted: false)
            precondition(mustDrop, "a refused epoch was not dropped")
            return state.drop()
        }
        dropped.forEach(recycle)
    }
}
