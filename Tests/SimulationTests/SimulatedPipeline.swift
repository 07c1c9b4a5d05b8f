import Dataflow
import DataflowTesting
import Foundation
import Logging
import Testing

/// A pipeline of one node over a model log, on threads of its own.
struct SimulatedPipeline {
    let pipeline: Pipeline
    let memory = MemoryAccountant(budget: 256 << 20)
    private let ended: Task<Void, any Error>

    /// Starts a pipeline.
    /// - Parameter node: what tallies the records.
    init(
        sources: [any Source], target: any CommitTarget, node: any Operator = TallyOperator(), concurrency: Int? = nil,
        workers: Int, takeoverPatience: Duration = .milliseconds(20),
        logger: Logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    ) {
        let plan = PipelinePlan(
            sources: sources.enumerated().map { index, source in
                PipelinePlan.SourceNode(name: "model\(index)", source: source, child: index, layout: BatchLayout())
            },
            nodes: sources.indices.map {
                PipelinePlan.Node(name: "tally\($0)", make: node, children: [], concurrency: concurrency)
            },
            target: target,
            settings: PipelineSettings(
                workers: workers, commitInterval: .milliseconds(1), batchBytes: 4_096,
                takeoverPatience: takeoverPatience),
            memory: memory)
        let pipeline = Pipeline(plan, logger: logger)
        self.pipeline = pipeline
        ended = Task.detached {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread.detachNewThread { continuation.resume(with: Result { try pipeline.run() }) }
            }
        }
    }

    /// Waits for the end.
    /// - Throws: what `Pipeline.run` throws.
    func end() async throws { try await ended.value }

    /// Stops and waits for the end.
    func stop() async throws {
        pipeline.stop()
        try await end()
    }
}

extension ModelDatabase {
    /// A number that changes with every commit and every restore.
    var progress: Int64 { positions.values.reduce(Int64(restores) << 32, +) }

    /// Whether everything in the log has been read.
    func holds(_ log: ModelLog) -> Bool {
        let positions = positions
        return log.partitions.allSatisfy { positions[$0.key] == Int64($0.value.count) }
    }

    /// Whether the table is that of reading every record once.
    func hasTable(of log: ModelLog) -> Bool { table == log.expectedTable }

    /// Expects the table, the ledger and the dead letters of reading every record once.
    func expect(_ log: ModelLog, seed: UInt64 = 0, sourceLocation: Testing.SourceLocation = #_sourceLocation) {
        #expect(hasTable(of: log), "seed \(seed)", sourceLocation: sourceLocation)
        let counters = counters
        for key in log.partitions.keys {
            #expect(
                counters[key] == log.expectedCounters(of: key), "seed \(seed), \(key)", sourceLocation: sourceLocation)
        }
        let dead = deadLetters
        #expect(
            Set(dead).count == dead.count, "seed \(seed): a dead letter was written twice",
            sourceLocation: sourceLocation)
        #expect(
            dead.count == Int(counters.values.reduce(0) { $0 + $1.dead }), "seed \(seed)",
            sourceLocation: sourceLocation)
    }
}
