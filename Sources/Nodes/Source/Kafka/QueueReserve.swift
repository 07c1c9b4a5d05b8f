import Dataflow
import Kafka
import Logging
import Synchronization

/// What is set aside in the memory account for librdkafka, which fills its queue without asking: the most that its
/// settings allow, whether it is in use or not.
final class QueueReserve: Sendable {
    private let configuration: ConsumerConfiguration
    private let memory: MemoryAccountant
    private let logger: Logger
    private let bytes: Mutex<Int>

    /// Sets aside what the bootstrap servers alone may send.
    init(_ configuration: ConsumerConfiguration, _ memory: MemoryAccountant, _ logger: Logger) {
        self.configuration = configuration
        self.memory = memory
        self.logger = logger
        bytes = Mutex(configuration.memoryBytesMax())
        memory.draw(configuration.memoryBytesMax(), for: .queues)
    }

    deinit { memory.draw(-bytes.withLock { $0 }, for: .queues) }

    /// Sets aside what so many brokers may send, one fetch each.
    func take(brokers: Int) {
        let needed = configuration.memoryBytesMax(brokers: brokers)
        let grown = bytes.withLock { bytes in
            defer { bytes = needed }
            return needed - bytes
        }
        guard grown != 0 else { return }
        memory.draw(grown, for: .queues)
        guard grown > 0, 2 * memory.held(by: .queues) > memory.budget else { return }
        logger.warning(
            "Fetches from all brokers at once may take more than half of the memory",
            metadata: [
                "brokers": "\(brokers)", "queues_mib": "\(needed >> 20)", "budget_mib": "\(memory.budget >> 20)",
                "hint": "raise memory, or lower fetch.max.bytes",
            ])
    }
}
