import Dataflow
import Declaration
import Foundation
import Logging
import Nodes
import Platform
import ServiceLifecycle
import Synchronization

/// One topology as a service: starts, runs on threads of its own, stops in order when told to.
final class TopologyService: Service {
    let name: String
    let pipeline: Pipeline
    private let target: any CommitTarget
    private let progress: ProgressStyle
    private let deadLetters: DeadLetterReport
    private let tally: LetterTally
    private let remarks: Remarks
    private let output = ConsoleOutput()
    private let work: String
    private let givesWay: Bool
    private let logger: Logger
    private let outcome = Mutex(Outcome())

    private struct Outcome {
        var wasAskedToStop = false
        var hasBegun = false
        var failure: (any Error)?
    }

    /// Nothing a topology read could be used.
    struct NothingApplied: Error, CustomStringConvertible {
        let records: Int64
        /// What makes them dead letters.
        let complaint: String
        var description: String {
            "all \(ProgressReporter.count(records)) records that were read are dead letters\(complaint)"
        }
    }

    /// - Parameters:
    ///   - acceptsGaps: whether tables that lack what was read before are accepted as they are.
    ///   - memberships: where memberships of consumer groups may go on when it ends; nil where nothing follows.
    ///   - work: what its threads work for, for whoever has to know which one the process dies of.
    ///   - givesWay: whether its threads leave the processors to others that have work.
    init(
        _ topology: CompiledTopology, overrides: RunOverrides, acceptsGaps: Bool = false,
        memberships: KeptMemberships? = nil, work: String = "", givesWay: Bool = false, progress: ProgressStyle,
        logger: Logger
    ) throws {
        name = topology.name
        self.work = work
        self.givesWay = givesWay
        var logger = logger
        logger[metadataKey: "topology"] = "\(topology.name)"
        deadLetters = DeadLetterReport(logger: logger)
        tally = LetterTally(of: topology)
        remarks = Remarks(logger: logger)
        var services = RunServices()
        services[Remarks.self] = remarks
        services[ConsoleWriter.self] = ConsoleWriter(output.write)
        services[TableGaps.self] = TableGaps(areAccepted: acceptsGaps)
        services[SecretKeeper.self] = SecretKeeper { Redaction.conceal($0) }
        services[KeptMemberships.self] = memberships
        let plan = try topology.build(
            overrides, services: services, observers: [deadLetters, tally], logger: logger,
            giveBackFreeMemory: Allocator.giveBackFreeMemory)
        target = plan.target
        let pipeline = Pipeline(plan, logger: logger)
        self.pipeline = pipeline
        self.progress = progress
        self.logger = logger
        output.onFailure { pipeline.stop() }
    }

    /// Why the topology stopped, nil while it runs and when it ended in order.
    var failure: (any Error)? { outcome.withLock { $0.failure } }

    /// Whether its tables are ready and it reads.
    var hasBegun: Bool { outcome.withLock { $0.hasBegun } }

    /// Tells it to end in order, as a graceful shutdown does.
    func stop() {
        outcome.withLock { $0.wasAskedToStop = true }
        pipeline.stop()
    }

    /// Runs to the end.
    /// - Throws: why it stopped; also kept in `failure`.
    func run() async throws {
        do {
            try await runPipeline()
            logEnd()
            try check()
        } catch {
            outcome.withLock { $0.failure = error }
            throw error
        }
    }

    private func runPipeline() async throws {
        let pipeline = pipeline
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await onThread(named: name) { try ThreadWork.for(self.work) { try self.runOnThread() } }
            } onGracefulShutdown: {
                self.stop()
            }
        } onCancel: {
            self.outcome.withLock { $0.wasAskedToStop = true }
            pipeline.cancel()
        }
    }

    private func runOnThread() throws {
        if givesWay { ThreadPriority.giveWay() }
        let database = target as? PostgresTarget
        defer { database?.endSteps() }
        do {
            try database?.prepare(pipeline.stoppableContext)
        } catch is WaitCancelled {
            // Told to stop while it waited for the database: nothing has been read, so nothing is missing.
            return
        }
        database?.onReplacement { [pipeline] in pipeline.stop() }
        outcome.withLock { $0.hasBegun = true }
        try pipeline.run()
        try database?.checkReplacement()
        try database?.finishSteps { self.outcome.withLock { $0.wasAskedToStop } }
    }

    /// What the pipeline does not see: its output, and whether there was any sense in it.
    private func check() throws {
        if let failure = output.failure { throw failure }
        let snapshot = pipeline.progress()
        let endedByItself = !outcome.withLock { $0.wasAskedToStop }
        if endedByItself, snapshot.records > 0, snapshot.records == snapshot.deadLetters {
            throw NothingApplied(records: snapshot.records, complaint: tally.complaint)
        }
    }

    private func logEnd() {
        deadLetters.conclude()
        remarks.conclude()
        let snapshot = pipeline.progress()
        logger.info(
            "Topology ended",
            metadata: [
                "events": "\(snapshot.records)", "dead": "\(snapshot.deadLetters)",
                "refused": "\(snapshot.refused)", "epochs": "\(snapshot.epochs)", "rows": "\(snapshot.rows)",
            ])
    }
}

extension TopologyService {
    /// Some of several topologies failed; the others ran to their end.
    struct Failures: Error, CustomStringConvertible {
        var failed: [(name: String, error: any Error)]
        var description: String {
            failed.map { "topology \($0.name) failed: \($0.error)" }.joined(separator: "\nmillrace: ")
        }
    }

    /// Runs services until all have ended or a signal asks them to stop. One that fails leaves the others alone.
    /// - Parameter driver: a service whose end, good or bad, is the end of all, as is then the failure of a topology.
    /// - Throws: the failure of the only one, or `Failures`.
    static func runAll(
        _ services: [TopologyService], driver: (any Service)? = nil, logger: Logger
    ) async throws {
        // A log or an output whose reader has gone is an error like any other, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // Swift's runtime prints where every thread is and then expects the fault to come again; a SIGABRT from outside does
        // not, and would be swallowed.
        signal(SIGABRT, SIG_DFL)
        let group = makeGroup(services, driver: driver, logger: logger)
        let watch = try StopWatch {
            Task { await group.triggerGracefulShutdown() }
        } lastWords: {
            lastWords(of: services)
        }
        let reporter = ProgressReporter(
            style: services.first?.progress ?? .none, logger: logger,
            pipelines: services.map { ($0.name, $0.pipeline) })
        let reporting = Task { await reporter.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await group.run()) } catch { result = .failure(error) }
        reporting.cancel()
        await reporting.value
        watch.end()
        let failed = services.compactMap { service in service.failure.map { (name: service.name, error: $0) } }
        if let first = failed.first { throw services.count == 1 ? first.error : Failures(failed: failed) }
        try result.get()
    }

    private static func makeGroup(
        _ services: [TopologyService], driver: (any Service)?, logger: Logger
    ) -> ServiceGroup {
        var quiet = logger
        quiet.logLevel = .critical
        var entries = services.map { service in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: driver == nil ? Isolated(service: service, hasNeighbours: services.count > 1) : service,
                successTerminationBehavior: .ignore, failureTerminationBehavior: .gracefullyShutdownGroup)
        }
        if let driver {
            entries.append(
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: driver, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup))
        }
        var configuration = ServiceGroupConfiguration(services: entries, logger: quiet)
        configuration.maximumGracefulShutdownDuration = StopWatch.commitTime
        return ServiceGroup(configuration: configuration)
    }

    /// What an end that is not orderly leaves undone.
    private static func lastWords(of services: [TopologyService]) -> String {
        let left = services.compactMap { service -> String? in
            let count = service.pipeline.progress().uncommitted
            return count == 0 ? nil : "\(ProgressReporter.count(count)) records of topology \(service.name)"
        }
        guard !left.isEmpty else { return "nothing that was read is left to be committed" }
        return "\(left.joined(separator: " and ")) were read and not committed; the next run reads them again"
    }

    /// A service whose failure is told and does not touch its neighbours.
    private struct Isolated: Service {
        let service: TopologyService
        let hasNeighbours: Bool

        func run() async throws {
            do {
                try await service.run()
            } catch {
                // Kept in `failure`; the end of all services says it again.
                guard hasNeighbours else { return }
                service.logger.error("Topology failed; the others go on", metadata: ["reason": "\(error)"])
            }
        }
    }
}
