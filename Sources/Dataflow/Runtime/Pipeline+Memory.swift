import Logging
import Platform

/// What the pipeline does about memory.
extension Pipeline {
    /// How short memory is now.
    func pressure(_ state: PipelineState) -> MemoryPressure {
        let sealed = state.epochs.sealed == .none ? 0 : state.sealedBytes
        return .of(plan.memory.account, sealed: state.isOpenEpochHeldUp ? sealed : nil)
    }

    /// Takes note of the pressure.
    /// - Returns: what is to be logged, outside the lock.
    func lookAtMemory(_ state: inout PipelineState) -> [PressureWatch.News] {
        state.pressureWatch.look(pressure(state), at: schedule.now)
    }

    func log(_ news: [PressureWatch.News]) {
        guard !news.isEmpty else { return }
        let account = plan.memory.account
        let trouble = monitor.withLock { $0.targetTrouble }
        var metadata: Logger.Metadata = [
            "memory_mib": "\(account.total >> 20)", "budget_mib": "\(account.budget >> 20)",
            "parts_mib": "\(account.summary)",
        ]
        let holders = plan.memory.holders.filter { $0.bytes >> 20 > 0 }.map { "\($0.node) \($0.bytes >> 20)" }
        if !holders.isEmpty { metadata["nodes_mib"] = "\(holders.joined(separator: ", "))" }
        for item in news {
            switch item {
            case .pressureBegan:
                logger.notice("Memory is short: epochs are closed early", metadata: metadata)
            case .pressureEnded:
                logger.notice("Memory is no longer short", metadata: metadata)
            case .readingStopped:
                metadata["reason"] = "\(trouble ?? "epochs are written more slowly than events are read")"
                logger.warning("Reading stopped until an epoch is written", metadata: metadata)
            case .readingGoesOn:
                logger.notice("Reading is no longer paused", metadata: metadata)
            }
        }
    }

    /// Gives free memory back to the system when the process holds much more than is in use, and that is much of the budget;
    /// called once an epoch, when the workers' groups have been merged: what is free then has been used by an epoch, and
    /// the next one needs it in other pieces.
    func giveBackFreeMemory() {
        let account = plan.memory.account
        let used = account.total - account[.queues] + Limits.trimBytes
        guard let bytes = ProcessMemory.anonymousBytes, bytes > used, 2 * bytes > account.budget else { return }
        plan.giveBackFreeMemory()
        logger.debug(
            "Free memory given back",
            metadata: [
                "anonymous_mib": "\(bytes >> 20)", "now_mib": "\((ProcessMemory.anonymousBytes ?? 0) >> 20)",
            ])
    }
}
