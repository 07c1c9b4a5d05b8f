internal import ArgumentParser
internal import Foundation
internal import Kafka

/// `millrace broker`: a Kafka broker for development, on librdkafka's mock cluster.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run a Kafka broker for development, on loopback, in memory.",
        discussion: """
            The first line on standard output is `listening on HOST:PORT[,HOST:PORT]`. The system chooses the ports, \
            because librdkafka's mock cluster takes none from us; scripts read the address from --address-file.

            It is not Kafka: it keeps 5 MiB or 100,000 messages per partition and drops older ones, keeps nothing when \
            it ends, knows no transactions, finds no offsets for timestamps, and creates every topic it is asked about \
            (with 4 partitions), misspelt ones too.
            """
    )

    @Option(name: .customLong("topic"), help: "Topic to create, NAME or NAME:PARTITIONS. May be repeated.")
    var topics: [String] = []

    @Option(help: "Partitions of a --topic without a number.")
    var partitions = 4

    @Option(help: "Number of brokers.")
    var brokers = 1

    @Option(help: "Write the address to this file once the broker listens.")
    var addressFile: String?

    @Flag(help: "End when the process that started this one ends.")
    var withParent = false

    @Flag(
        help: """
            Take commands from standard input, answer each with `ok` or `error: ...`, end with the input: down ID, \
            up ID, leader TOPIC PARTITION BROKER, error API CODE COUNT, topic NAME PARTITIONS.
            """)
    var control = false

    func validate() throws {
        guard (1...64).contains(brokers) else {
            throw ValidationError("--brokers: found \(brokers), expected 1 to 64")
        }
        guard (1...10_000).contains(partitions) else {
            throw ValidationError("--partitions: found \(partitions), expected 1 to 10000")
        }
        _ = try requestedTopics()
    }

    func run() throws {
        let parent = getppid()
        var inbox = BrokerInbox(readsInput: control)
        let cluster = try MockCluster(brokers: brokers) { line in
            guard line.level == .error || line.level == .warning else { return }
            say("broker: \(line.facility): \(line.message)")
        }
        for topic in try requestedTopics() { try cluster.createTopic(topic.name, partitions: topic.partitions) }
        try announce(cluster.bootstrapServers)
        while true {
            switch inbox.next(withinMilliseconds: 100) {
            case .stop: return
            case .nothing: if withParent && getppid() != parent { return }
            case .line(let line): answer(line, cluster)
            }
        }
    }

    /// The address first, for programs; then the limits, for people.
    private func announce(_ address: String) throws {
        if let addressFile {
            do {
                try Data((address + "\n").utf8).write(to: URL(fileURLWithPath: addressFile), options: .atomic)
            } catch {
                throw ValidationError("--address-file: \(addressFile) cannot be written: \(FileProblem.reason(error))")
            }
        }
        emit("listening on \(address)")
        say(
            """
            broker: for development only: 5 MiB or 100,000 messages per partition (older ones are dropped), nothing \
            is kept, no transactions, no offsets for timestamps; librdkafka \(LibraryVersion.current)
            """)
    }

    private func answer(_ line: String, _ cluster: borrowing MockCluster) {
        guard !line.isEmpty else { return }
        do {
            try cluster.apply(BrokerControl(line: line))
            emit("ok")
        } catch {
            emit("error: \(error)")
        }
    }

    private func requestedTopics() throws -> [(name: String, partitions: Int)] {
        try topics.map { text in
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let count = parts.count == 2 ? Int(parts[1]) : partitions
            guard !parts[0].isEmpty, let count, (1...10_000).contains(count) else {
                throw ValidationError("--topic: found '\(text)', expected NAME or NAME:PARTITIONS (1 to 10000)")
            }
            return (String(parts[0]), count)
        }
    }
}

/// A line on standard output, at once. A reader that went away is not an error of the broker.
private func emit(_ line: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
}

/// A line on standard error.
private func say(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
}
