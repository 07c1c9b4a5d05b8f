import Foundation
import Testing

/// `millrace produce`: files into a topic; and a topic that is only printed, without a database.
@Suite struct ProduceTests {
    @Test func aFileGoesThroughATopicToTheTerminal() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: 2)
            let folder = try TopologyFolder()
            let lines = (0..<500).map { "{\"kind\": \"k\($0 % 3)\"}" }.joined(separator: "\r\n\n")
            let (one, two) = try (
                folder.file(named: "1.ndjson", "\u{feff}" + lines), folder.file(named: "2.ndjson", "{\"kind\": \"k1\"}")
            )
            let produced = try Complaint.of(["produce", one, two, "--kafka", kafka.bootstrapServers, "--topic", topic])
            produced.expect(.code(0), "millrace: delivered 501 messages to topic \(topic)")

            let topology = """
                topology: printed
                nodes:
                  events: { kafka: { brokers: "\(kafka.bootstrapServers)", topics: [\(topic)] } }
                  records: { from: events, parse_json: { fields: { kind: text } } }
                  kpi: { from: records, summarize: { by: [kind], metrics: { n: count() } } }
                  show: { from: kpi, console: {} }
                """
            let process = try MillraceProcess(topology: topology)
            let expected = ["k0": 167, "k1": 168, "k2": 166].map { "{\"kind\": \"\($0)\", \"n\": \($1)}" }
            try eventually(within: .seconds(60), "it said: \(process.output) \(process.errors)") {
                expected.allSatisfy { process.output.contains($0) } || !process.isRunning
            }
            process.terminate()
            #expect(try process.wait() == .code(0), "\(process.errors)")
        }
    }

    /// What `try` says of values of messages: put the sample into a topic.
    @Test func aFieldBecomesTheKey() async throws {
        try await onOwnThread {
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: 3)
            let folder = try TopologyFolder()
            let lines = (0..<300).map { "{\"kind\": \"k\($0 % 3)\", \"number\": \($0 % 2)}" } + ["{}", "nonsense"]
            let file = try folder.file(named: "1.ndjson", lines.joined(separator: "\n"))
            let to = ["--kafka", kafka.bootstrapServers, "--topic", topic]
            try Complaint.of(["produce", file, "--key", "kind"] + to).expect(
                .code(0),
                "delivered 302 messages to topic \(topic), 2 of them without a key: they have no value in kind")
            try Complaint.of(["produce", file, "--key", "number"] + to).expect(.code(0), "2 of them without a key")
            let topology = """
                topology: printed
                nodes:
                  events: { kafka: { brokers: "\(kafka.bootstrapServers)", topics: [\(topic)] } }
                  records:
                    from: events
                    parse_json: { fields: { key: { from: message.key, type: text }, kind: text, number: integer } }
                  kpi: { from: records, summarize: { by: [key, kind, number], metrics: { n: count() } } }
                  show: { from: kpi, console: {} }
                """
            let process = try MillraceProcess(topology: topology)
            let expected = (0..<6).flatMap { index in
                ["k\(index % 3)", "\(index % 2)"].map { key in
                    "{\"key\": \"\(key)\", \"kind\": \"k\(index % 3)\", \"number\": \(index % 2), \"n\": 50}"
                }
            }
            try eventually(within: .seconds(60), "it said: \(process.output) \(process.errors)") {
                expected.allSatisfy { process.output.contains($0) } || !process.isRunning
            }
            process.terminate()
            #expect(try process.wait() == .code(0), "\(process.errors)")
            #expect(process.output.contains("{\"key\": null, \"kind\": null, \"number\": null, \"n\": 2}"))
        }
    }

    @Test func whatCannotBeProducedIsExplained() async throws {
        try await onOwnThread {
            try Complaint.of(["produce", "a.ndjson"]).expect(.code(64), "--kafka: missing, expected host:port")
            try Complaint.of(["produce", "a.ndjson", "--kafka", "h:1", "--topic", "t", "--key", "user", "--lines", "5"])
                .expect(.code(64), "--key user: a message of --lines 5 has several of them; use --key none.")
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: 1)
            try Complaint.of(["produce", "/no/such.ndjson", "--kafka", kafka.bootstrapServers, "--topic", topic])
                .expect(
                    .code(1), "millrace: file /no/such.ndjson: cannot be opened: No such file or directory")
        }
    }
}
