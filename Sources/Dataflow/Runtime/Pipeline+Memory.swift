import Logging

/// What the pipeline does about memory.
extension Pipeline {
    /// How short memory is now.
    func pressure(_ state: PipelineState) -> MemoryPressure {
        .of(plan.memory.account, isSealed: state.epochs.sealed != .none)
    }

    /// Takes note of the pressure.
    /// - Returns: what is to be logged, outside the lock.
    func lookAtMemory(_ state: inout PipelineState) -> [PressureWatch.News] {
        state.pressureWatch.look(pressure(state), at: .now)
    }

    func log(_ news: [PressureWatch.News]) {
        guard !news.isEmpty else { return }
        let account = plan.memory.account
        let trouble = monitor.withLock { $0.targetTrouble }
        var metadata: Logger.Metadata = [
            "memory_mib": "\(account.total >> 20)", "budget_mib": "\(account.budget >> 20)",
            "parts_mib": "\(account.summary)",
        ]
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
                logger.notice("Reading goes on without a stop", metadata: metadata)
            }
        }
    }

    /// Gives free memory back to the system when the process holds much more than the account says; called once an epoch,
    /// when its groups have gone.
    func giveBackFreeMemory() {
        let account = plan.memory.account
        guard let resident = ProcessMemory.residentBytes, resident > account.total + Limits.trimBytes,
            2 * resident > account.budget
        else { return }
        plan.giveBackFreeMemory()
    }
}
