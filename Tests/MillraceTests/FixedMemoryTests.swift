import Dataflow
import Kafka
import Testing

@testable import Declaration
@testable import Millrace
@testable import Nodes

@Suite struct FixedMemoryTests {
    private static let standard = CompiledTopology.Setting(value: Limits.batchBytes, isDefault: true)

    private static func queues(_ fixed: FixedMemory, brokers: Int = 1) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(
            connection: ConnectionConfiguration(brokers: (1...brokers).map { "b\($0):1" }), group: "g", topics: ["t"])
        configuration.fitQueues(into: fixed.queueShare(of: 1))
        return configuration
    }

    /// A topology that reads Kafka, with these settings, or what is wrong with it.
    private static func load(
        _ settings: String, overrides: RunOverrides = RunOverrides()
    ) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let text = """
            topology: t
            \(settings)
            nodes:
              events: { kafka: { brokers: "b:1", topics: [t] } }
              records: { from: events, parse_json: { fields: { k: text } } }
              kpi: { from: records, summarize: { by: [k], metrics: { n: count() } } }
              show: { from: kpi, console: {} }
            """
        return TopologyLoader(environment: [:], overrides: overrides).load(text: text, from: "t.yaml")
    }

    @Test func theDefaultBudgetLeavesTheDefaultSizes() {
        let fixed = FixedMemory(budget: Limits.memoryDefault, batches: 7, batchBytes: Self.standard)
        #expect(fixed.batchBytes == Limits.batchBytes)
        #expect(Self.queues(fixed).queues == .standard)
    }

    @Test(arguments: [1, 2, 8, 64], [1, 3])
    func theLeastBudgetHoldsAKafkaTopology(workers: Int, brokers: Int) {
        let batches = PipelineSettings(workers: workers).batchesMax
        let fixed = FixedMemory(budget: Limits.memoryMin, batches: batches, batchBytes: Self.standard)
        let sizes = RunSizes(
            workers: workers, fixed: fixed, queueShare: fixed.queueShare(of: 1),
            queues: Self.queues(fixed, brokers: brokers).memoryBytesMax(), claims: [])
        #expect(sizes.shortage == nil)
    }

    @Test func whatDoesNotFitIsSaidPartByPart() {
        let fixed = FixedMemory(
            budget: 64 << 20, batches: 7, batchBytes: CompiledTopology.Setting(value: 4 << 20, isDefault: false))
        #expect(fixed.batchBytes == 4 << 20, "what the user sets stays")
        let claim = QueueClaim("Kafka's queues", settings: "queued.max.messages.kbytes, fetch.max.bytes") { $0 }
        let sizes = RunSizes(workers: 2, fixed: fixed, queueShare: 0, queues: 5 << 20, claims: [claim])
        #expect(
            sizes.shortage?.description
                == "memory: 64 MiB is too little for this topology, expected at least 117 MiB: 20 for the program, 5 for "
                + "Kafka's queues, 84 for batches, 8 for groups; raise memory, or lower queued.max.messages.kbytes, "
                + "fetch.max.bytes, batch_bytes or workers")
        // Parts of a MiB are rounded up, and the parts add up to the whole.
        let odd = MemoryShortage(budget: 1 << 20, queues: 4 << 20 + 1, batches: 1, claims: [claim])
        #expect(
            odd.what.hasSuffix(
                "at least 34 MiB: 20 for the program, 5 for Kafka's queues, 1 for batches, 8 for groups"), "\(odd.what)"
        )
    }

    /// Millrace's default for `batch_bytes` once stood in the spec and in the code, and the one from the spec did not
    /// shrink: nine workers were too many for 64 MiB.
    @Test(arguments: [1, 9, 16, 32, 64])
    func littleMemoryIsEnoughForManyWorkers(workers: Int) throws {
        let (topology, diagnostics) = Self.load("memory: 64MiB\nworkers: \(workers)")
        let found = try #require(topology, "\(diagnostics)")
        let sizes = found.sizes(RunOverrides(), cores: 2)
        #expect(sizes.shortage == nil && sizes.workers == workers)
        #expect(sizes.fixed.batchBytes < Limits.batchBytes)
    }

    @Test(arguments: [1, 8, 9, 64, 256, 1_024])
    func littleMemoryIsEnoughOnEveryMachine(cores: Int) throws {
        let found = try #require(Self.load("memory: 64MiB").topology)
        let sizes = found.sizes(RunOverrides(), cores: cores)
        #expect(sizes.shortage == nil)
        #expect(sizes.workers <= cores && sizes.workers >= min(cores, 64))
    }

    @Test func checkMakesTheSumThatRunMakes() {
        let settings = "memory: 64MiB\nbatch_bytes: 4MiB\nworkers: 9"
        let (topology, diagnostics) = Self.load(settings)
        #expect(topology == nil)
        #expect(
            "\(diagnostics)".hasPrefix(
                "t.yaml:2:9: error[memory]: memory: 64 MiB is too little for this topology, expected at least 2"),
            "\(diagnostics)")
        #expect("\(diagnostics)".contains(" for batches, 8 for groups; raise memory, or lower "))
        // What the command line says counts as it does for `run`.
        let roomy = Self.load(settings, overrides: RunOverrides(memoryBytes: 1 << 30))
        #expect(roomy.topology != nil, "\(roomy.diagnostics)")
    }
}
