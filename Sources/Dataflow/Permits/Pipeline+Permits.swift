import Logging
import Platform

/// Permits that are shared with other processes.
extension Pipeline {
    /// Has permits lent to the nodes that share them.
    /// - Returns: the thread that sees to that; none where nothing is shared.
    func startLending() throws(NoThread) -> [PipelineThread] {
        guard !gates.isEmpty, let lender = plan.target.permits else { return [] }
        for gate in gates {
            // Batches may go in that had to wait.
            gate.onNews { [weak self] in self?.monitor.update { $1 = [.workers, .sources] } }
        }
        let context = CommitContext(
            isCancelled: { self.monitor.withLock { $0.lendingEnds } }, reportTrouble: { _ in },
            wait: { duration in _ = self.monitor.wait(timeout: duration) { $0.lendingEnds ? true : nil } },
            reportTroubleOfNode: { trouble, node in self.reportPermits(trouble, of: node) })
        return [
            try startThread("permits") {
                do {
                    try lender.lend(to: self.gates, context)
                } catch {
                    self.fail(error)
                    // Without permits nothing that waits for them can be committed.
                    self.cancel()
                }
            }
        ]
    }

    /// Says what stands in the way of lending, once, and once that it is over.
    private func reportPermits(_ trouble: String?, of node: String) {
        for gate in gates where gate.node == node {
            switch (gate.report(trouble), trouble) {
            case (nil, let trouble?):
                logger.warning("Permits cannot be asked for", metadata: ["node": "\(node)", "reason": "\(trouble)"])
            case (_?, nil): logger.notice("Permits can be asked for again", metadata: ["node": "\(node)"])
            default: break
            }
        }
    }

    /// Has all permits given back: nothing uses them any more.
    /// - Returns: the names of threads that have not ended.
    func endLending(_ threads: [PipelineThread]) -> [String] {
        monitor.update { $0.lendingEnds = true }
        for gate in gates { gate.wake() }
        return join(threads)
    }

    /// Says how many permits all processes have together from now on.
    /// - Parameter node: one that shares permits; others are left as they are.
    public func setPermits(_ limit: Int, of node: String) {
        for gate in gates where gate.node == node { gate.tell(limit: limit) }
    }

    /// What there is to say about permits that do not come.
    var permitTroubles: [String] {
        gates.compactMap { gate in
            let snapshot = gate.snapshot
            if let trouble = snapshot.trouble { return "\(gate.node): \(trouble)" }
            guard let waited = snapshot.waited, waited >= Limits.permitPatience else { return nil }
            return
                "\(gate.node): it has waited \(waited.components.seconds) s for one of the \(snapshot.limit) permits of "
                + "its cluster_concurrency: \(snapshot.holders)"
        }
    }

    /// The first node that has work and no permit; nil when none has.
    var waitsForPermit: String? {
        for gate in gates {
            let snapshot = gate.snapshot
            guard snapshot.waited != nil else { continue }
            return "node \(gate.node) waits for one of the \(snapshot.limit) permits of its cluster_concurrency: "
                + snapshot.holders
        }
        return nil
    }
}
