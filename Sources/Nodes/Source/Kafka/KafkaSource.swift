package import Dataflow
import Kafka
package import Logging
import Synchronization

/// The `kafka` source: a member of a consumer group whose positions live in Postgres.
package final class KafkaSource: Source {
    private let plan: KafkaPlan
    private let logger: Logger
    private let reader = Mutex<KafkaReader?>(nil)
    private let shared = Mutex(SourceStatus())
    private let reserve: QueueReserve
    private let memberships: KeptMemberships?

    /// Creates a source; connects when it runs. What librdkafka may hold is drawn from `memory` at once.
    /// - Parameter memberships: where its membership may go on when it ends, nil where nothing follows.
    package init(
        _ plan: KafkaPlan, memory: MemoryAccountant, memberships: KeptMemberships? = nil, logger: Logger
    ) {
        self.plan = plan
        self.memberships = memberships
        reserve = QueueReserve(plan.configuration, memory, logger)
        self.logger = logger
    }

    package func run(_ intake: Intake) throws {
        var plan = plan
        let logger = logger
        plan.configuration.connection.log = { line in
            // What matters comes as an event of `poll` too; the log only says more.
            logger.debug("librdkafka", metadata: ["facility": "\(line.facility)", "text": "\(line.message)"])
        }
        let reader = try KafkaReader(plan, intake, reserve, memberships, logger) { status in
            self.shared.withLock { $0 = status }
        }
        self.reader.withLock { $0 = reader }
        try reader.run()
    }

    package func close(_ intake: Intake) {
        let reader = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        reader?.close()
    }

    package var status: SourceStatus { shared.withLock { $0 } }
}
