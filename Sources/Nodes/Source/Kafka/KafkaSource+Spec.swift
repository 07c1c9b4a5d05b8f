import Dataflow
package import Declaration

extension KafkaSource {
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
}
