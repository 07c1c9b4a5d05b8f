import Catalog
import Dataflow
import Declaration
import Foundation
import Logging
import Nodes
import Platform
import Synchronization

/// A topology of the catalogue in this process. Used by the daemon's thread.
final class SupervisedTopology {
    let name: String
    private(set) var supervision: Supervision
    /// The run that processes before this one have died of.
    private let crashes: CrashRecord?
    private let logger: Logger
    private let hook: AlertHook?
    private let process: String
    private let taps: TapRoom
    private var service: TopologyService?
    private var task: Task<Void, Never>?
    private let ended = EndBox()
    /// Of a run that is stopped for the next one.
    private let memberships = KeptMemberships()
    /// Why it does not run, or did not.
    private var reason = ""
    private(set) var kind = TopologyState.Kind.starting
    private var acceptsGaps = false
    private(set) var order = Supervision.Order(version: 0, generation: 0)
    private var since = Date.now
    private var last: (records: Int64, time: ContinuousClock.Instant)?
    private var rate = 0.0
    private var meter = ProcessLoad()
    /// What the last run has done in all, once its sources have ended.
    private var done = RunSnapshot()

    /// How long one that had failed must have run, with nothing to commit, to be said to run again.
    private static let probation = Duration.seconds(10)

    /// Where a run leaves how it ended.
    private final class EndBox: Sendable {
        let content = Mutex<(outcome: Supervision.Outcome, reason: String)?>(nil)
    }

    /// - Parameters:
    ///   - process: names this process, for whoever is told of a failure.
    ///   - crashes: how often processes have died of it.
    ///   - hook: is told of failures.
    ///   - taps: shows the records of what runs.
    init(
        name: String, process: String, crashes: CrashRecord?, hook: AlertHook?, taps: TapRoom, logger: Logger
    ) {
        self.name = name
        self.crashes = crashes
        supervision = Supervision(deaths: crashes.map { ($0.generation, $0.count) })
        self.process = process
        self.hook = hook
        self.taps = taps
        self.logger = logger
    }

    /// Bytes of memory that it may take while it runs.
    private(set) var budget = 0

    /// Takes note of an end, and does what the catalogue wants.
    /// - Parameters:
    ///   - deployment: nil when it is not to be here.
    ///   - isLeaving: whether the process is to end.
    ///   - memory: what other topologies leave.
    ///   - version: gives a version's file.
    func step(
        _ deployment: Deployment?, isLeaving: Bool, _ memory: MemoryShares,
        _ version: (Int) throws -> TopologyVersion
    ) {
        let now = ContinuousClock.now
        if let end = ended.content.withLock({ $0.take() }) {
            if let progress = service?.pipeline.progress() { done = RunSnapshot(doneBy: progress) }
            (service, task, budget) = (nil, nil, 0)
            taps.end(name)
            if end.outcome != .orderly { reason = end.reason }
            if end.outcome == .failed, kind == .failed {
                logger.warning(
                    "A topology failed again; it is tried again later",
                    metadata: ["topology": "\(name)", "reason": "\(reason)"])
            }
            supervision.ended(end.outcome, at: now)
            settle()
        }
        for (node, permits) in deployment?.settings.clusterConcurrency ?? [:] {
            service?.pipeline.setPermits(permits, of: node)
        }
        var wanted: Supervision.Order?
        if let deployment, deployment.wanted == .running, !isLeaving {
            wanted = Supervision.Order(version: deployment.version, generation: deployment.generation)
        }
        let isIdle = supervision.phase == .idle
        switch supervision.step(wanted: wanted, at: now) {
        case nil:
            if isIdle { takeCrashes() }
        case .stop:
            show(.stopping)
            memberships.expectSuccessor(deployment != nil && !isLeaving)
            service?.stop()
        case .abandon:
            logger.warning(
                "A topology does not end; what it has not committed is read again", metadata: ["topology": "\(name)"])
            task?.cancel()
        case .start(let order):
            do {
                let version = try version(order.version)
                try ThreadWork.for(work(of: order)) {
                    try start(order, deployment?.settings ?? RunSettings(), version, memory)
                }
            } catch is FileOutOfReach {
                // What it last had to say stays true.
                supervision.ended(.early, at: now)
            } catch {
                reason = Redaction.redacted("\(error)")
                supervision.ended(error is Unrunnable ? .refused : .failed, at: now)
                logger.error(
                    "A topology cannot start", metadata: ["topology": "\(name)", "reason": "\(reason)"])
            }
        }
        if deployment == nil || isLeaving { memberships.end() } else { memberships.expire() }
        if let deployment, deployment.wanted == .paused, supervision.isAtRest {
            order = Supervision.Order(version: deployment.version, generation: deployment.generation)
            (reason, budget) = ("", 0)
            show(.paused)
        } else {
            settle()
        }
    }

    /// What threads of a run work for: a process that dies in one of them dies of this run.
    private func work(of order: Supervision.Order) -> String { CrashNotes.work(of: name, generation: order.generation) }

    /// It does not begin as others do: processes have died of it.
    private func takeCrashes() {
        guard let crashes else { return }
        switch supervision.phase {
        case .resting(let order, _), .settled(let order, .held): self.order = order
        default: return
        }
        let times = crashes.count == 1 ? "once" : "\(crashes.count) times"
        reason =
            "the process died \(times) of a fault in this topology within an hour (\(crashes.signal), found at "
            + "\(Moment.text(crashes.last)))"
        if crashes.count >= Supervision.deathsMax { reason += "; millrace restart \(name) tries it again" }
    }

    /// The version's file stands in the catalogue, whose database is away.
    struct FileOutOfReach: Error {}

    /// A file that cannot be run here.
    private struct Unrunnable: Error, CustomStringConvertible { var description: String }

    private func start(
        _ order: Supervision.Order, _ settings: RunSettings, _ version: TopologyVersion, _ memory: MemoryShares
    ) throws {
        // One that failed is said to have failed until it runs again.
        let isNew = order != self.order
        self.order = order
        if isNew || kind != .failed {
            reason = ""
            show(.starting)
        }
        var overrides = RunOverrides(
            memoryBytes: settings.memoryBytes, workers: settings.workers, concurrency: settings.concurrency ?? [:])
        overrides.clusterConcurrency = settings.clusterConcurrency ?? [:]
        let (found, diagnostics) = TopologyLoader(overrides: overrides, rebuild: Rebuild(name: name)).load(
            text: version.file, from: "\(name), version \(version.version)")
        guard let topology = found else {
            throw Unrunnable(
                description: "the file cannot be run here: "
                    + diagnostics.all.filter { $0.severity == .error }.map(\.description).joined(separator: "; "))
        }
        let wanted = overrides.memoryBytes ?? topology.memoryBytes
        guard memory.hasRoom(for: wanted) else { throw Shortage(description: memory.complaint(wanted)) }
        let service = try TopologyService(
            topology, overrides: overrides, acceptsGaps: version.acceptsGaps, memberships: memberships,
            work: work(of: order), givesWay: Rebuild(name: name) != nil, progress: .none, logger: logger)
        memberships.expectSuccessor(false)
        self.service = service
        taps.begin(topology, service.pipeline)
        acceptsGaps = version.acceptsGaps
        budget = wanted
        // What it has read before the first look counts as well.
        last = (0, .now)
        meter = ProcessLoad()
        let ended = ended
        task = Task {
            var end: (outcome: Supervision.Outcome, reason: String) = (.orderly, "")
            do {
                try await service.run()
            } catch let error as SinkError where error.code == .definitionInUse {
                end = (.early, "\(error)")
            } catch {
                end = (.failed, "\(error)")
            }
            end.reason = Redaction.redacted(end.reason)
            ended.content.withLock { $0 = end }
        }
    }

    private struct Shortage: Error, CustomStringConvertible { var description: String }

    private func settle() {
        switch supervision.phase {
        case .idle: break
        case .running(_, let start):
            if service?.hasBegun == true, kind != .failed || hasProvenItself(since: start) {
                reason = ""
                show(.running)
            } else if kind != .failed {
                show(.starting)
            }
        case .stopping: show(.stopping)
        case .resting: show(.failed)
        case .settled(_, .ended): show(.ended)
        case .settled(_, .refused): show(.refused)
        case .settled(_, .held): show(.held)
        }
    }

    /// Whether one that had failed is said to run again: it has committed something, or has had nothing to commit for a
    /// while.
    private func hasProvenItself(since start: ContinuousClock.Instant) -> Bool {
        guard let progress = service?.pipeline.progress() else { return false }
        if progress.epochs > 0 { return true }
        guard ContinuousClock.now - start >= Self.probation, progress.troubles.isEmpty else { return false }
        let ours = progress.partitions.filter(\.isOurs)
        let hasWork = (progress.lag ?? 0) > 0 || ours.contains { $0.pending > 0 }
        return !hasWork && (!ours.isEmpty || progress.sources.contains { $0.idleGroup != nil })
    }

    private func show(_ kind: TopologyState.Kind) {
        guard kind != self.kind else { return }
        self.kind = kind
        since = .now
        let level: Logger.Level = kind == .failed || kind == .held ? .error : .info
        var metadata: Logger.Metadata = ["topology": "\(name)", "version": "\(order.version)"]
        if !reason.isEmpty { metadata["reason"] = "\(reason)" }
        logger.log(level: level, Self.words[kind] ?? "", metadata: metadata)
        guard [.failed, .refused, .held].contains(kind) else { return }
        hook?.tell(
            AlertHook.Alert(
                topology: name, version: order.version, state: kind.rawValue, reason: reason, process: process,
                at: Moment.text(Int64(since.timeIntervalSince1970 * 1e6))))
    }

    private static let words: [TopologyState.Kind: Logger.Message] = [
        .starting: "A topology starts", .running: "A topology runs", .stopping: "A topology stops",
        .paused: "A topology is paused", .ended: "A topology has read all there is",
        .failed: "A topology failed; it is tried again", .refused: "A topology cannot be run here",
        .held: "A topology is held, for processes died of it",
    ]

    /// The version of a run that has begun and accepted gaps, once.
    func takeBegun() -> Int? {
        guard acceptsGaps, service?.hasBegun == true else { return nil }
        acceptsGaps = false
        return order.version
    }

    /// What the catalogue is to know of it.
    func state(daemon: String) -> TopologyState {
        var snapshot = kind == .ended ? done : RunSnapshot()
        if let pipeline = service?.pipeline {
            let progress = pipeline.progress()
            snapshot = RunSnapshot(progress)
            let now = ContinuousClock.now
            if let last, now > last.time {
                rate = Double(progress.records - last.records) / ((now - last.time) / .seconds(1))
            }
            last = (progress.records, now)
            snapshot.rate = rate
            snapshot.load = meter.measure(progress, workers: pipeline.workers, at: now).map {
                ($0 * 1_000).rounded() / 1_000
            }
        }
        let waits = snapshot.troubles.first ?? ""
        let again = kind == .failed && !waits.isEmpty ? "; tried again, it waits: \(waits)" : ""
        return TopologyState(
            topology: name, daemon: daemon, version: order.version, generation: order.generation, kind: kind,
            reason: kind == .running || kind == .starting ? waits : reason + again,
            since: Int64(since.timeIntervalSince1970 * 1e6), restarts: supervision.restarts, snapshot: snapshot)
    }

    /// What is lost sight of when the process ends now.
    var uncommitted: Int64 { service?.pipeline.uncommitted ?? 0 }
}

extension RunSnapshot.Permits {
    init(_ permits: PermitSnapshot) {
        self.init(
            limit: permits.limit, told: permits.told, held: permits.held, used: permits.used, wish: permits.wish,
            others: permits.others.map { Holder(instance: $0.instance, held: $0.held, isGone: $0.isGone) },
            secondsWaited: permits.waited.map { ($0 / .milliseconds(100)).rounded() / 10 })
    }
}

extension RunSnapshot {
    /// What a pipeline has done since its start.
    init(doneBy progress: ProgressSnapshot) {
        self.init()
        records = progress.records
        dead = progress.deadLetters
        bytes = progress.bytes
        epochs = progress.epochs
        rows = progress.rows
    }

    /// What a pipeline says of itself.
    init(_ progress: ProgressSnapshot) {
        self.init(doneBy: progress)
        uncommitted = progress.uncommitted
        lag = progress.lag
        commitMilliseconds = progress.lastCommit.map { $0 / .milliseconds(1) }
        memory = progress.memory.total
        budget = progress.memory.budget
        troubles = progress.troubles.map(Redaction.redacted)
        sources = progress.sources.map {
            Source(
                name: $0.name, lag: $0.lag, trouble: $0.trouble.map(Redaction.redacted), idleGroup: $0.idleGroup)
        }
        nodes = progress.nodes.map { node in
            Node(
                name: node.name, entered: node.entered, left: node.left, groups: node.groups,
                memory: progress.holders.first { $0.node == node.name }?.bytes ?? 0,
                busySeconds: (node.busy / .milliseconds(1)).rounded() / 1_000, waiting: node.waiting,
                permits: node.permits.map(Permits.init))
        }
        partitions = progress.partitions.map {
            Partition(
                topic: $0.key.topic, partition: $0.key.partition, source: $0.source, isOurs: $0.isOurs, next: $0.next,
                committed: $0.committed)
        }
        steps = progress.steps.map {
            Step(node: $0.node, table: $0.table, runs: $0.runs, failures: $0.failures, waiting: $0.waiting)
        }
    }
}
