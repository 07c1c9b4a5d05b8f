import Kafka
import Logging
import PlatformTesting

@testable import Dataflow
@testable import DataflowTesting
@testable import Nodes

/// A Kafka source in a pipeline that does not run, over a model of a database: the engine stays as each call leaves it.
struct IdleSource {
    let database = ModelDatabase()
    let intake: Intake
    let plan: KafkaPlan
    let memory = MemoryAccountant(budget: 256 << 20)
    let lines: LogLines
    let logger: Logger
    let pipeline: Pipeline

    /// - Parameter connection: where the brokers are; nil for a source that asks none.
    init(_ connection: ConnectionConfiguration? = nil) {
        let lines = LogLines(from: .info)
        self.lines = lines
        logger = Logger(label: "test") { _ in lines }
        let configuration = ConsumerConfiguration(
            connection: connection ?? ConnectionConfiguration(brokers: ["127.0.0.1:1"]), group: "g", topics: ["t"])
        plan = KafkaPlan(configuration: configuration, start: .earliest, topology: "model", framing: .document)
        let source = KafkaSource(plan, memory: memory, logger: logger)
        pipeline = Pipeline(
            PipelinePlan(
                sources: [PipelinePlan.SourceNode(name: "events", source: source, child: 0, layout: BatchLayout())],
                nodes: [PipelinePlan.Node(name: "tally", make: TallyOperator(), children: [], concurrency: nil)],
                target: ModelTarget(database: database, seed: 1, faultPercent: 0, owner: "first"),
                settings: PipelineSettings(workers: 1, commitInterval: .seconds(60), batchBytes: 64 << 10),
                memory: memory),
            logger: logger)
        intake = Intake(pipeline: pipeline, source: 0)
    }
}
