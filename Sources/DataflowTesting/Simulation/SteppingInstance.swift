import Dataflow
import Logging
import Platform
import Synchronization

/// A process of a simulated topology.
package final class SteppingInstance: Sendable {
    enum Standing: Sendable {
        case running
        case returned((any Error)?)
    }

    /// What a process is made with.
    package struct Shape: Sendable {
        var workers = 1
        var concurrency: Int?
        /// Nodes that tally each record.
        var tallies = 1
        /// Whether nodes that tally are stages of their own.
        var isStaged = false
        /// How often it commits.
        package var interval = Duration.milliseconds(5)
        /// Whether nodes that tally share permits with other processes, which come and go.
        var sharesPermits = false
        var batchBytes = 1_024
        /// How long a partition that was taken over must stand still.
        package var patience = Duration.milliseconds(300)
    }

    let crew: SteppingScheduler.Crew
    let sources: [SteppingSource]
    let pipeline: Pipeline
    let memory = MemoryAccountant(budget: 256 << 20)
    private let scheduler: SteppingScheduler
    private let state = Mutex(State())

    private struct State {
        var standing = Standing.running
        var complaints: [String] = []
        var isFaulty = false
    }

    init(
        _ name: String, sources: [SteppingSource], target: any CommitTarget, refusals: Refusals, shape: Shape,
        scheduler: SteppingScheduler
    ) {
        crew = .init(name)
        self.sources = sources
        self.scheduler = scheduler
        var nodes: [PipelinePlan.Node] = []
        var plans: [PipelinePlan.SourceNode] = []
        for (number, source) in sources.enumerated() {
            let first = nodes.count
            plans.append(.init(name: "\(number)", source: source, child: first, layout: BatchLayout()))
            nodes.append(
                .init(
                    name: "parse \(number)",
                    make: SteppingParse(
                        scheduler: scheduler, refusals: refusals, keepsClocks: shape.concurrency == 1),
                    children: (1...shape.tallies).map { first + $0 }, concurrency: shape.concurrency,
                    isOrdered: shape.concurrency == 1))
            for tally in 0..<shape.tallies {
                let name = "tally \(number).\(tally)"
                let own = shape.isStaged ? 1 + tally : nil
                let gate = shape.sharesPermits ? PermitGate(node: name, limit: 2, own: own, taker: .engine) : nil
                nodes.append(
                    .init(
                        name: name, make: SteppingTally(scheduler: scheduler, refusals: refusals), children: [],
                        concurrency: own, gate: gate))
            }
        }
        let plan = PipelinePlan(
            sources: plans, nodes: nodes, target: target,
            settings: PipelineSettings(
                workers: shape.workers, commitInterval: shape.interval, batchBytes: shape.batchBytes,
                takeoverPatience: shape.patience),
            memory: memory)
        let complaints = Complaints()
        pipeline = Pipeline(
            plan, logger: Logger(label: name) { _ in complaints }, schedule: Schedule(scheduler))
        complaints.box.withLock { $0 = { [weak self] line in self?.complain(line) } }
    }

    private func complain(_ line: String) {
        scheduler.note("complains: \(line)")
        state.withLock { $0.complaints.append(line) }
    }

    var standing: Standing { state.withLock { $0.standing } }

    var isRunning: Bool { if case .running = standing { true } else { false } }

    /// Errors in its log.
    var complaints: [String] { state.withLock { $0.complaints } }

    /// Whether it has been made to err, so that complaints are right.
    var isFaulty: Bool {
        get { state.withLock { $0.isFaulty } }
        set { state.withLock { $0.isFaulty = newValue } }
    }

    func start() throws {
        try scheduler.start(name: "run", of: crew) {
            let result = Result { try self.pipeline.run() }
            self.state.withLock { state in
                switch result {
                case .success: state.standing = .returned(nil)
                case .failure(let error): state.standing = .returned(error)
                }
            }
            self.scheduler.note("returns: \(result)")
        }
    }

    /// What a log says in its errors.
    private final class Complaints: LogHandler, Sendable {
        let box = Mutex<@Sendable (String) -> Void>({ _ in })
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .error }
            set {}
        }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            box.withLock { $0 }("\(event.message): \(event.metadata?["reason"].map { "\($0)" } ?? "")")
        }
    }
}
