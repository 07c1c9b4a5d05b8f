import Dataflow

/// How full a process is with a topology: of its workers and its stages, the one that has least time left. Where a
/// `concurrency:` keeps workers out of a node, those have time, and the process can do no more all the same.
struct ProcessLoad: Sendable {
    private var workers = LoadMeter()
    private var stages: [String: LoadMeter] = [:]

    /// Takes a look.
    /// - Parameter workers: how many there are.
    /// - Returns: 0 for idle to 1 for no time left; nil while it is not known.
    mutating func measure(
        _ progress: ProgressSnapshot, workers: Int, at now: ContinuousClock.Instant
    ) -> Double? {
        let busy = progress.nodes.reduce(Duration.zero) { $0 + $1.busy }
        let whole = self.workers.measure(busy: busy, workers: workers, at: now)
        let narrow = progress.stages.compactMap { stage -> Double? in
            guard stage.permits < workers else { return nil }
            return stages[stage.head, default: LoadMeter()].measure(busy: stage.busy, workers: stage.permits, at: now)
        }
        return whole.map { max($0, narrow.max() ?? 0) }
    }
}
