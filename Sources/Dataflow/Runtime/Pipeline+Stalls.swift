import Logging
import Platform

/// What is said when records wait and nothing is committed.
extension Pipeline {
    /// Looks whether anything moves, and logs once that nothing does, and once that it does again.
    func lookForStalls() {
        let (news, memory) = monitor.withLock { state in
            let now = schedule.now
            // The commit thread cannot say that memory is short while it waits for the database.
            let memory = lookAtMemory(&state)
            state.stallWatch.look(waiting: state.recordsWaiting, epochs: state.progress.epochs, at: now)
            return (state.stallWatch.news(stall(state), at: now), memory)
        }
        log(memory)
        switch news {
        case .began(let text): logger.warning("Nothing is committed", metadata: ["reason": "\(text)"])
        case .over: logger.notice("Something is committed again")
        case nil: break
        }
    }

    /// What there is to say beside what source, nodes and database say of themselves.
    func stallTroubles(_ state: PipelineState) -> [String] {
        guard let stall = stall(state) else { return [] }
        var found: [String] = []
        if pressure(state) == .stopReading {
            let account = plan.memory.account
            found.append(
                "memory is used up (\(account.total >> 20) of \(account.budget >> 20) MiB: \(account.summary)), so "
                    + "reading has stopped until an epoch is written")
        }
        // Otherwise the cause is named already.
        if state.targetTrouble == nil, state.takeoverTrouble == nil { found.append(stall) }
        return found
    }

    /// How long nothing has been committed, how much waits, and where; nil while that is as it should be.
    private func stall(_ state: PipelineState) -> String? {
        guard !state.life.hasGivenUp, let since = state.stallWatch.since else { return nil }
        let patience =
            Self.epochLength(
                plan.settings.commitInterval, waiting: state.waiting.reduce(0, +), held: state.openRecords,
                commit: state.usualCommit) + Limits.stall
        let silence = schedule.now - since
        // That others have all permits for a while is how it is meant to be.
        let turns = waitsForPermit == nil || state.stallWatch.isSaid ? .zero : Limits.permitPatience
        guard silence >= patience + turns else { return nil }
        return "nothing has been committed for \(silence.components.seconds) s, and \(state.recordsWaiting) records "
            + "wait: \(place(of: state))"
    }

    /// Where an epoch hangs.
    private func place(of state: PipelineState) -> String {
        if let trouble = state.targetTrouble ?? state.takeoverTrouble { return trouble }
        if state.epochs.isWriting { return "an epoch is being written to its tables" }
        if state.turn == .awaited { return "other processes write the tables, and it is not our turn" }
        if let waiting = waitsForPermit { return waiting }
        let busy = busyNodes
        if state.epochs.batchesInFlight > 0, !busy.isEmpty {
            return "node \(busy.joined(separator: ", ")) is still at work on a batch"
        }
        let sources = zip(plan.sources, state.waiting).filter { $0.1 > 0 }.map(\.0.name)
        guard !sources.isEmpty else { return "they are in no node's hands" }
        return "source \(sources.joined(separator: ", ")) hands over nothing"
    }
}

extension PipelineState {
    /// Records that are not committed, as far as known: those that were read, and those that wait in the sources.
    var recordsWaiting: Int64 {
        partitions.reduce(waiting.reduce(0, +)) { $0 + ($1.isActive ? $1.pending : 0) }
    }
}
