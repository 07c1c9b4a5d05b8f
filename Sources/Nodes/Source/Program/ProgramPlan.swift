package import Dataflow
package import Declaration

/// What an `exec` node without `from` reads: the lines that a program writes.
package struct ProgramPlan: Sendable {
    /// How a program goes on that is run again.
    enum Restart: String, Sendable {
        /// It writes the same lines again, and those that were read are skipped.
        case repeats
        /// It is told at which line to begin.
        case resumes
    }

    /// The node's name.
    var node: String
    /// What its position is called.
    var position: String
    /// Program and arguments; a line for the shell is one for `/bin/sh`.
    var command: [String]
    /// What people call it.
    var name: String
    /// What its environment has beside Millrace's own.
    var environment: [String: String]
    var restart: Restart
    /// Resident bytes that it and its children may take; nil without a limit.
    var memoryMax: Int?

    /// What its position is kept under. No topic of Kafka has a colon in its name.
    var key: PartitionKey { PartitionKey(topic: "exec:\(position)", partition: 0) }
}

extension ProgramPlan: SourcePlan {
    package var endsByItself: Bool { true }
    package var readsStandardInput: Bool { false }
    package var positionTopics: Set<String>? { [key.topic] }
    package var queues: QueueClaim? { nil }

    package func trace(_ meaning: inout EventMeaning) {}

    package func build(in context: BuildContext) throws -> any Source {
        ProgramSource(
            self, topology: context.topology, recordBytesMax: context.messageBytesMax, memory: context.memory,
            logger: context.logger)
    }
}

extension ProgramPlan: QueryableSource {
    package var rawCondition: String? { "topic = \(SQLWord.literal(key.topic))" }
    package var hasPartitions: Bool { false }
}
