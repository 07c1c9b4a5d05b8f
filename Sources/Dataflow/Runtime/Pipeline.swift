import Foundation
public import Logging
package import Platform
import Synchronization

/// A running topology: source threads, worker threads and a commit thread around one lock.
///
/// ```
///   source thread ──► mailbox ──► worker threads ──► worker-local groups ─┐
///        ▲                (stages, permits)                               │ epoch sealed and drained
///        └── batches come back when every node is done with them          ▼
///                                                       commit thread ──► target
/// ```
public final class Pipeline: Sendable {
    let plan: PipelinePlan
    let graph: StageGraph
    let monitor: Monitor<PipelineState>
    let stages: [StageRunner]
    /// The permits that are shared with other processes.
    let gates: [PermitGate]
    private let counters: [NodeCounters]
    private let taps: [NodeTap]
    /// What ends the waits of sources, by their index.
    private let wakers = Mutex<[Int: @Sendable () -> Void]>([:])
    let logger: Logger
    let schedule: Schedule

    /// Prepares a plan; nothing runs before `run`.
    public convenience init(_ plan: PipelinePlan, logger: Logger) { self.init(plan, logger: logger, schedule: .system) }

    /// Prepares a plan whose threads run, and whose time passes, by a schedule.
    package init(_ plan: PipelinePlan, logger: Logger, schedule: Schedule) {
        self.plan = plan
        self.logger = logger
        self.schedule = schedule
        graph = StageGraph(plan)
        var state = PipelineState(stages: graph.stages.count, sources: plan.sources.count, at: schedule.now)
        if graph.stages.contains(where: \.takesLong) {
            state.pace = BatchPace(commitInterval: plan.settings.commitInterval)
        }
        monitor = Monitor(state, schedule: schedule)
        let counters = plan.nodes.map { _ in NodeCounters() }
        self.counters = counters
        let taps = plan.nodes.map { _ in NodeTap() }
        self.taps = taps
        stages = graph.stages.map { StageRunner($0, plan, counters, taps) }
        gates = plan.nodes.compactMap(\.gate)
        if plan.target.permits == nil { for gate in gates { gate.open() } }
    }

    /// Where the records of a node can be watched; nil for a source, a sink, and a name that there is not.
    public func tap(of node: String) -> NodeTap? {
        plan.nodes.firstIndex { $0.name == node }.map { taps[$0] }
    }

    /// Threads that work on batches, a source's among them.
    public var workers: Int { plan.settings.workers }

    /// Runs until every source has ended or `stop` was called, and the last epoch is committed. Blocks its thread.
    /// - Throws: the first error that stopped the pipeline, everything committed before it stays; `UncommittedRecords` when
    ///   something was read and not committed, or a thread did not end in time although all was given up.
    public func run() throws {
        let intakes = plan.sources.indices.map { Intake(pipeline: self, source: $0) }
        let committer = try startThread("commit") { self.runCommits() }
        var workers: [PipelineThread] = []
        var sources: [PipelineThread] = []
        var companions: [PipelineThread] = []
        var lenders: [PipelineThread] = []
        do {
            try beginNodes()
            lenders = try startLending()
            companions = try startCompanions()
            for number in 0..<workerThreads {
                workers.append(try startThread("worker \(number)") { self.runWorker() })
            }
            for (index, source) in plan.sources.enumerated() {
                sources.append(
                    try startThread("source \(source.name)") { self.runSource(index, intakes[index]) })
            }
        } catch {
            // The threads there are end in order.
            fail(error)
        }
        var hanging = join(sources)
        monitor.update { $0.life.sourcesEnded() }
        hanging += join(companions)
        hanging += join([committer])
        for node in plan.nodes { node.make.close() }
        hanging += join(workers)
        hanging += endLending(lenders)
        if hanging.isEmpty {
            for (source, intake) in zip(plan.sources, intakes) { source.source.close(intake) }
            plan.target.close()
        }
        let (failure, uncommitted) = monitor.withLock { ($0.failure, $0.uncommitted) }
        if let failure, !(failure is WaitCancelled) { throw failure }
        if uncommitted > 0 || !hanging.isEmpty { throw UncommittedRecords(count: uncommitted, hanging: hanging) }
    }

    /// Waits for threads to end; when nothing will be committed any more, only for a while. Meanwhile it looks for stalls.
    /// - Returns: the names of those that have not ended.
    func join(_ threads: [PipelineThread]) -> [String] {
        while true {
            // Nobody reads the log of a simulation, and one in which nothing can move any more has to be found out.
            let look = schedule.isReal ? schedule.now + Limits.stallLook : nil
            let end = { (state: PipelineState) in state.life.givenUp.map { $0 + Limits.threadsEnd } }
            let found: Joined = monitor.wait(as: .others, until: { [end($0), look].compactMap(\.self).min() }) {
                state in
                let hanging = threads.filter { !state.endedThreads.contains($0) }
                if hanging.isEmpty { return .ended([]) }
                if let end = end(state), schedule.now >= end { return .ended(hanging.map(\.name)) }
                return look.map { schedule.now >= $0 } ?? false ? .stillWaits : nil
            }
            switch found {
            case .ended(let hanging): return hanging
            case .stillWaits: lookForStalls()
            }
        }
    }

    private enum Joined {
        /// With the names of those that have not.
        case ended([String])
        case stillWaits
    }

    /// Asks the sources to end; what was read is committed first. Returns at once.
    public func stop() {
        monitor.update { $0.life.stop() }
        wakeSources()
    }

    /// Gives up waiting for a database that is away. What was not committed is read again by the next run.
    public func cancel() {
        monitor.update { $0.life.cancel(at: schedule.now) }
        wakeSources()
    }

    /// Has the waits of sources ended, which are to look whether they are to stop or a rewind is due.
    func wakeSources() {
        // Under the lock: what is taken back is not called any more.
        wakers.withLock { wakers in for wake in wakers.values { wake() } }
    }

    /// What ends the wait of a source; nil takes it back.
    func setWaker(_ wake: (@Sendable () -> Void)?, of source: Int) { wakers.withLock { $0[source] = wake } }

    /// What blocking calls of the target may ask of this pipeline, and tell it.
    public var context: CommitContext {
        CommitContext(
            isCancelled: { self.monitor.withLock { $0.life.hasGivenUp } },
            reportTrouble: { trouble in self.report(trouble) },
            wait: { duration in
                _ = self.monitor.wait(timeout: duration) { $0.life.hasGivenUp ? true : nil }
            })
    }

    /// The same for calls that an orderly stop need not wait for: claims and preparations.
    public var stoppableContext: CommitContext {
        CommitContext(
            isCancelled: { self.monitor.withLock { $0.life.isStopping } },
            reportTrouble: { trouble in self.report(trouble) },
            wait: { duration in
                _ = self.monitor.wait(timeout: duration) { $0.life.isStopping ? true : nil }
            },
            reportTroubleOfNode: { trouble, node in self.report(trouble, of: node) })
    }

    /// Says once that the database is away and once that it is back, however often the reason changes in between
    /// (refused, then starting up).
    private func report(_ trouble: String?) {
        let before = monitor.withLock { state in
            defer { state.targetTrouble = trouble }
            return state.targetTrouble
        }
        switch (before, trouble) {
        case (nil, let trouble?): logger.warning("Waiting for the database", metadata: ["reason": "\(trouble)"])
        case (_?, nil): logger.notice("The database is back")
        default: break
        }
    }

    private func runSource(_ index: Int, _ intake: Intake) {
        do {
            try plan.sources[index].source.run(intake)
        } catch is WaitCancelled {
            // Told to stop before it could begin: nothing was read that is not committed or read again.
        } catch {
            fail(error)
        }
        // What is left in front of a stage is left to threads that are still there.
        work(leaving: 0)
    }

    /// Keeps the first error and makes everything end.
    func fail(_ error: any Error) {
        monitor.update { state in
            if state.failure == nil { state.failure = error }
            state.life.stop()
        }
        wakeSources()
    }

    /// How many records were read and are not committed.
    public var uncommitted: Int64 { monitor.withLock { $0.uncommitted } }

    /// What the pipeline is doing, for display.
    public func progress() -> ProgressSnapshot {
        let statuses = plan.sources.map(\.source.status)
        let steps = plan.target.steps
        return monitor.withLock { state in
            var snapshot = ProgressSnapshot()
            snapshot.records = state.progress.records
            snapshot.deadLetters = state.progress.deadLetters
            snapshot.refused = state.progress.refused
            snapshot.bytes = state.progress.bytes
            snapshot.epochs = state.progress.epochs
            snapshot.lastCommit = state.progress.lastCommit
            snapshot.uncommitted = state.uncommitted
            snapshot.lag = state.lag(statuses.map(\.lag))
            snapshot.memory = plan.memory.account
            snapshot.holders = plan.memory.holders
            snapshot.sources = zip(plan.sources, statuses).map { source, status in
                SourceSnapshot(
                    name: source.name, lag: status.lag, queuedBytes: status.queuedBytes, trouble: status.trouble,
                    idleGroup: status.idleGroup)
            }
            snapshot.nodes = plan.nodes.indices.map { node in
                counters[node].snapshot(
                    plan.nodes[node].name, groups: state.progress.groups[node, default: 0],
                    waiting: graph.stages.firstIndex { $0.head == node }.map { state.queues[$0].count },
                    permits: plan.nodes[node].gate?.snapshot)
            }
            snapshot.stages = graph.stages.map { stage in
                StageSnapshot(
                    head: plan.nodes[stage.head].name, permits: stage.permits,
                    busy: stage.nodes.reduce(.zero) { $0 + snapshot.nodes[$1].busy })
            }
            snapshot.partitions = state.partitions.map { partition in
                PartitionSnapshot(
                    key: partition.key, source: plan.sources[partition.source].name, isOurs: partition.isActive,
                    next: partition.next, committed: partition.committed, pending: partition.pending)
            }
            snapshot.steps = steps
            snapshot.troubles =
                [state.targetTrouble, state.takeoverTrouble].compactMap(\.self) + statuses.compactMap(\.trouble)
                + state.companionTroubles.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
                + permitTroubles
                + stallTroubles(state)
            return snapshot
        }
    }

    /// Nodes that have a batch in hand, without those that wait for one behind them.
    var busyNodes: [String] {
        plan.nodes.indices.filter { node in
            counters[node].isAtWork && !plan.nodes[node].children.contains { counters[$0].isAtWork }
        }.map { plan.nodes[$0].name }
    }

    func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread) -> PipelineThread {
        let identity = PipelineThread(name: name)
        try schedule.start(name: name) {
            body()
            self.monitor.update { _ = $0.endedThreads.insert(identity) }
        }
        return identity
    }
}

/// A thread of a pipeline, by what it does.
struct PipelineThread: Hashable, Sendable {
    let name: String
}
