import Logging
import Platform

/// What lives beside the batches.
extension Pipeline {
    /// Starts every companion and waits until all are prepared, or the pipeline is to stop.
    /// - Returns: their threads.
    func startCompanions() throws(NoThread) -> [PipelineThread] {
        let companions = plan.nodes.compactMap { node in node.make.companion.map { (name: node.name, companion: $0) } }
        guard !companions.isEmpty else { return [] }
        var threads: [PipelineThread] = []
        for (name, companion) in companions {
            threads.append(try startThread("companion \(name)") { self.runCompanion(companion, of: name) })
        }
        let names = Set(companions.map(\.name))
        monitor.wait(as: .others) { state in
            state.life.isStopping || names.isSubset(of: state.preparedCompanions) ? () : nil
        }
        return threads
    }

    private func runCompanion(_ companion: any Companion, of node: String) {
        let context = CommitContext(
            isCancelled: { self.monitor.withLock { $0.life.isStopping } },
            reportTrouble: { self.report($0, of: node) },
            wait: { duration in
                _ = self.monitor.wait(timeout: duration) { $0.life.isStopping ? true : nil }
            })
        do {
            try companion.prepare(context)
            monitor.update { _ = $0.preparedCompanions.insert(node) }
            try companion.run(context)
        } catch is WaitCancelled {
            // Told to stop.
        } catch {
            fail(error)
        }
        monitor.withLock { $0.companionTroubles[node] = nil }
    }

    /// Has every node begin that has something to begin with.
    func beginNodes() throws {
        for node in plan.nodes {
            try node.make.begin(
                in: NodeContext(
                    report: { self.report($0, of: node.name) },
                    fail: { error in
                        self.fail(error)
                        self.cancel()
                    }))
        }
    }

    /// Says what a node waits for, once for each reason, and once that it is over.
    func report(_ trouble: String?, of node: String) {
        let before = monitor.withLock { state in
            defer { state.companionTroubles[node] = trouble }
            return state.companionTroubles[node]
        }
        switch (before, trouble) {
        case (let before, let trouble?) where before != trouble:
            logger.warning("A node waits", metadata: ["node": "\(node)", "reason": "\(trouble)"])
        case (_?, nil): logger.notice("A node no longer waits", metadata: ["node": "\(node)"])
        default: break
        }
    }
}
