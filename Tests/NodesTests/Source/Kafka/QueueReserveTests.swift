import Dataflow
import Kafka
import Logging
import PlatformTesting
import Testing

@testable import Nodes

@Suite struct QueueReserveTests {
    private let lines = LogLines(from: .info)

    private func configuration(brokers: Int) -> ConsumerConfiguration {
        var connection = ConnectionConfiguration(brokers: (0..<brokers).map { "b\($0):9092" })
        connection.settings = ["fetch.max.bytes": "1000000", "queued.max.messages.kbytes": "1000"]
        return ConsumerConfiguration(connection: connection, group: "g", topics: ["t"])
    }

    private func reserve(_ memory: MemoryAccountant, brokers: Int = 1) -> QueueReserve {
        let lines = lines
        return QueueReserve(configuration(brokers: brokers), memory, Logger(label: "test") { _ in lines })
    }

    @Test func itIsSetAsideAndGivenBack() {
        let memory = MemoryAccountant(budget: 1 << 30)
        var kept: QueueReserve? = reserve(memory)
        #expect(memory.held(by: .queues) == configuration(brokers: 1).memoryBytesMax())
        kept?.take(brokers: 3)
        #expect(memory.held(by: .queues) == configuration(brokers: 1).memoryBytesMax(brokers: 3))
        kept?.take(brokers: 2)
        #expect(memory.held(by: .queues) == configuration(brokers: 1).memoryBytesMax(brokers: 2), "less again")
        kept = nil
        #expect(memory.held(by: .queues) == 0)
        #expect(lines.text.isEmpty)
    }

    @Test func moreThanHalfOfTheMemoryIsSaidOnce() {
        let memory = MemoryAccountant(budget: 24 << 20)
        let kept = reserve(memory)
        #expect(lines.text.isEmpty)
        kept.take(brokers: 9)
        kept.take(brokers: 9)
        let said = lines.text.split(separator: "\n")
        #expect(said.count == 1)
        #expect(said.first?.contains("brokers=9") == true, "\(said)")
        #expect(said.first?.contains("raise memory, or lower fetch.max.bytes") == true)
    }
}
