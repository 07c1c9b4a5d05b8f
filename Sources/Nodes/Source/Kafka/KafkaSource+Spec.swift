package import Dataflow
package import Declaration
import Kafka

extension KafkaSource: NodeType {
    /// The declaration of `kafka`.
    package static let spec = NodeSpec(
        name: "kafka", kind: .source,
        summary: "Reads messages from Kafka topics as a member of a consumer group; positions live in Postgres.",
        fields: [
            FieldSpec(
                "brokers", .list(.string), "Bootstrap servers, `host:port`, comma-separated or as a list.",
                required: true, example: "\"${KAFKA_BROKERS}\""),
            FieldSpec(
                "topics", .list(.string), "The topics to read, by name; regular expressions are refused.",
                required: true, example: "[game.events]"),
            FieldSpec(
                "group", .string, "The consumer group's id; `millrace.` and the topology's name unless given.",
                example: "kpis"),
            FieldSpec(
                "start", .string,
                "Where the topology begins a topic that it has never met: `earliest`, `latest`, or an RFC 3339 timestamp. "
                    + "Partitions that are added later begin with their oldest message.",
                default: "earliest", example: "2026-01-01T00:00:00Z"),
            FieldSpec(
                "format", .choice(["document", "lines"]),
                "`document`: one JSON document per message; `lines`: many, one per line.", default: "document"),
            FieldSpec(
                "settings", .map(.secret),
                "Client settings of librdkafka from the allow-list in docs/kafka.md, such as SASL and TLS.",
                example: "{ security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, sasl.username: millrace, "
                    + "sasl.password: \"${KAFKA_PASSWORD}\" }"),
        ],
        example: """
            events:
              kafka: { brokers: "${KAFKA_BROKERS}", topics: [game.events], start: earliest }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        problems.append(contentsOf: KafkaPlan.topicProblems(node))
        let names = InputName.all(.topic, in: node.config["topics"], of: node)
        let output = Edge.messages(MessageOffer(source: spec.name) { _ in true })
        do throws(Diagnostics) {
            return CompiledNode(
                .source(try KafkaPlan.make(node, topology: topology)), output: output, resources: names)
        } catch {
            problems.append(contentsOf: error)
            return CompiledNode(.broken, output: output, resources: names)
        }
    }
}

extension KafkaSource {
    package static func setBeside(_ config: inout ConfigValue, naming name: (String) -> String) {
        config.replace("group") { $0.mapText(name) }
        config.replace("start") { $0.mapText { $0 == "latest" ? "earliest" : $0 } }
    }
}

extension KafkaPlan: SourcePlan {
    package var endsByItself: Bool { false }
    package var readsStandardInput: Bool { false }
    package var positionTopics: Set<String>? { Set(configuration.topics) }

    package var queues: QueueClaim? {
        let configuration = configuration
        return QueueClaim("Kafka's queues", settings: "queued.max.messages.kbytes, fetch.max.bytes") { share in
            var configuration = configuration
            configuration.fitQueues(into: share)
            return configuration.memoryBytesMax()
        }
    }

    package func trace(_ meaning: inout EventMeaning) {
        if framing == .lines { meaning.add("message", "one record per line") }
    }

    package func build(in context: BuildContext) throws -> any Source {
        var plan = self
        plan.configuration.fitQueues(into: context.queueBytes)
        plan.messageTexts = context.messageTexts
        return KafkaSource(
            plan, memory: context.memory, memberships: context.services[KeptMemberships.self], logger: context.logger)
    }
}
