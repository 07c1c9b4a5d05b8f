import Dataflow
import Kafka
import Testing

@testable import Millrace

@Suite struct FixedMemoryTests {
    private static func queues(_ fixed: FixedMemory, brokers: Int = 1) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(
            connection: ConnectionConfiguration(brokers: (1...brokers).map { "b\($0):1" }), group: "g", topics: ["t"])
        configuration.fitQueues(into: fixed.queueShare(of: 1))
        return configuration
    }

    @Test func theDefaultBudgetLeavesTheDefaultSizes() {
        let fixed = FixedMemory(budget: Limits.memoryDefault, batches: 7, batchBytes: nil)
        #expect(fixed.batchBytes == Limits.batchBytes)
        #expect(Self.queues(fixed).queues == .standard)
    }

    @Test(arguments: [1, 2, 8, 64], [1, 3])
    func theLeastBudgetHoldsAKafkaTopology(workers: Int, brokers: Int) throws {
        let batches = PipelineSettings(workers: workers).batchesMax
        let fixed = FixedMemory(budget: Limits.memoryMin, batches: batches, batchBytes: nil)
        let memory = MemoryAccountant(budget: Limits.memoryMin)
        memory.draw(Self.queues(fixed, brokers: brokers).memoryBytesMax(), for: .queues)
        try fixed.check(memory)
    }

    @Test func whatDoesNotFitIsSaidPartByPart() {
        let fixed = FixedMemory(budget: 64 << 20, batches: 7, batchBytes: 4 << 20)
        #expect(fixed.batchBytes == 4 << 20, "what the user sets stays")
        let memory = MemoryAccountant(budget: 64 << 20)
        memory.draw(5 << 20, for: .queues)
        let error = #expect(throws: MemoryShortage.self) { try fixed.check(memory) }
        #expect(
            error?.description
                == "memory: 64 MiB is too little for this topology, expected at least 129 MiB: 32 for the program, 5 for "
                + "Kafka's queues, 84 for batches, 8 for groups; raise memory, or lower queued.max.messages.kbytes, "
                + "fetch.max.bytes, batch_bytes or workers")
    }
}
