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
            state.misplacedBatches = 0
            for advance in closed.advances {
                guard let index = state.partitions.firstIndex(where: { $0.key == advance.key }) else { continue }
                if state.partitions[index].ownerEpoch == advance.ownerEpoch {
                    state.partitions[index].committed = advance.to
                }
                state.committedOffsets[state.partitions[index].source][advance.key] = advance.to
            }
            let counters = closed.counters
            state.progress.records += counters.read
            state.progress.deadLetters += counters.dead
            state.uncommitted -= counters.read
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
            let hasBegun = state.rewind.begin()
            precondition(hasBegun, "an epoch was written while another rewind dropped everything")
        }
        finishDiscard()
    }

    /// Drops everything since the last commit; an epoch being written is waited for, because its outcome decides where
    /// reading continues.
    func discard() {
        let hasBegun = monitor.wait { state -> Bool? in
            if state.hasEnded { return false }
            if case .writing = state.epochs.sealed { return nil }
            guard state.rewind.begin() else { return nil }
            state.epochs.discard()
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
            state.uncommitted = 0
            state.rewind.finish()
        }
    }

    func flush(source: Int, within timeout: Duration) -> Bool {
        let start = monitor.update { state in
            if state.epochs.openBatches > 0 { state.flushTarget = max(state.flushTarget, state.epochs.open) }
            return (target: state.epochs.open, generation: state.epochs.generation)
        }
        // The thread that waits for the work may be the one that has to do it.
        work(leaving: 0)
        let isFlushed: Bool? = monitor.wait(timeout: timeout) { state in
            if state.hasEnded { return false }
            // Whoever asks next whether a rewind is due must be told: that is known when the discard is over. It may have
            // begun, and ended, before this call: then all is committed that is left, and yet nothing is done.
            if state.rewind.phase == .discarding { return nil }
            if state.rewind.isDue(source) || state.epochs.generation != start.generation { return false }
            let isEmpty = state.epochs.open == start.target && state.epochs.openBatches == 0
            if state.epochs.sealed == .none, isEmpty || state.epochs.committed >= start.target { return true }
            return nil
        }
        return isFlushed ?? false
    }
}

// MARK: - Positions

extension Pipeline {
    /// Refuses keys that another source has: each partition has one position, so it is read by one source.
    func checkNobodyReads(_ keys: [PartitionKey], but source: Int) throws(ReadTwice) {
        let wanted = Set(keys)
        let other = monitor.withLock { state in
            state.partitions.first { $0.isActive && $0.source != source && wanted.contains($0.key) }
        }
        guard let other else { return }
        let names = [other.source, source].sorted().map { plan.sources[$0].name }
        throw ReadTwice(key: other.key, sources: names)
    }

    func register(_ claimed: [ClaimedPartition], source: Int) -> [(index: Int, partition: ClaimedPartition)] {
        monitor.withLock { state in
            claimed.map { partition in
                let fresh = PartitionState(
                    key: partition.key, source: source, ownerEpoch: partition.ownerEpoch, next: partition.nextOffset,
                    committed: partition.nextOffset)
                state.lost[partition.key] = nil
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
        guard !starts.isEmpty else { return }
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

    func reclaim(source: Int) throws -> Reclaimed {
        let mine = monitor.withLock { state in
            state.rewind.reclaim(source)
            return state.partitions.filter { $0.source == source && $0.isActive }.map {
                ClaimedPartition(key: $0.key, ownerEpoch: $0.ownerEpoch, nextOffset: $0.next, tail: nil)
            }
        }
        let found = try plan.target.positions(mine.sorted { $0.key < $1.key }, stoppableContext)
        let byKey = Dictionary(found.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        let still = mine.filter { byKey[$0.key]?.ownerEpoch == $0.ownerEpoch }.compactMap { byKey[$0.key] }
        // An owner epoch that went back: the database was restored to before our claim, and nobody else has claimed since.
        // If somebody does, its commits and ours are told apart by the positions, as always.
        let restored = mine.filter { (byKey[$0.key]?.ownerEpoch ?? .max) < $0.ownerEpoch }.map(\.key)
        let again = restored.isEmpty ? [] : try plan.target.claim(restored, origin: nil, stoppableContext)
        let kept = Set((still + again).map(\.key))
        let lost = mine.filter { !kept.contains($0.key) }.map {
            LostPartition(key: $0.key, owner: byKey[$0.key]?.owner, isGone: byKey[$0.key] == nil)
        }
        monitor.withLock { state in
            for partition in lost {
                state.lost[partition.key] = partition
                if let index = state.partitions.firstIndex(where: { $0.key == partition.key }) {
                    state.partitions[index].isActive = false
                }
            }
        }
        logLost(lost)
        return Reclaimed(owned: register(still + again, source: source), lost: lost)
    }

    func release(_ indices: [Int]) {
        monitor.withLock { state in
            for index in indices {
                state.partitions[index].isActive = false
                state.lost[state.partitions[index].key] = nil
            }
        }
    }
}
