import Dataflow
import Foundation
import Logging
import Nodes
import ServiceLifecycle
import UnixSignals

/// One topology as a service: starts, runs on threads of its own, stops in order when told to.
final class TopologyService: Service {
    let name: String
    let pipeline: Pipeline
    private let target: any CommitTarget
    private let progress: ProgressStyle
    private let logger: Logger

    init(
        _ topology: CompiledTopology, overrides: PipelineBuilder.RunOverrides, progress: ProgressStyle, logger: Logger
    ) throws {
        name = topology.name
        var logger = logger
        logger[metadataKey: "topology"] = "\(topology.name)"
        let plan = try PipelineBuilder(topology: topology, logger: logger, overrides: overrides).build()
        target = plan.target
        pipeline = Pipeline(plan, logger: logger)
        self.progress = progress
        self.logger = logger
    }

    func run() async throws {
        let pipeline = pipeline
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await onThread(named: name) {
                    if let target = self.target as? PostgresTarget { try target.prepare(pipeline.stoppableContext) }
                    try pipeline.run()
                }
            } onGracefulShutdown: {
                pipeline.stop()
            }
        } onCancel: {
            pipeline.cancel()
        }
        let snapshot = pipeline.progress()
        logger.info(
            "Topology ended",
            metadata: [
                "events": "\(snapshot.records)", "dead": "\(snapshot.deadLetters)", "epochs": "\(snapshot.epochs)",
                "rows": "\(snapshot.rows)",
            ])
    }

    /// Runs services until all have ended, one fails, or a signal asks them to stop.
    /// - Parameter driver: a service whose end, good or bad, is the end of all.
    /// - Throws: the first failure.
    static func runAll(
        _ services: [TopologyService], driver: (any Service)? = nil, logger: Logger
    ) async throws {
        let reporter = ProgressReporter(
            style: services.first?.progress ?? .none, logger: logger,
            pipelines: services.map { ($0.name, $0.pipeline) })
        var quiet = logger
        quiet.logLevel = .warning
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: $0, successTerminationBehavior: .ignore,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }
                + [driver].compactMap(\.self).map {
                    ServiceGroupConfiguration.ServiceConfiguration(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = Limits.stopFlush
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let reporting = Task { await reporter.run() }
            tasks.addTask { try await group.run() }
            defer { reporting.cancel() }
            try await tasks.next()
            reporting.cancel()
            await reporting.value
        }
    }
}
