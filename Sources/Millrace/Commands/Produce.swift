import ArgumentParser
import Foundation
import Nodes
import Platform

/// `millrace produce`: one's own file into a Kafka topic.
struct Produce: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the lines of files into a Kafka topic, a message for each.",
        discussion: """
            For trying a topology out on real parts with one's own events. Empty lines are left out. The topic must be there. \
            Messages have no key unless --key names a field.

              millrace produce events.ndjson.gz --kafka localhost:9092 --topic game.events --key user
            """)

    @Argument(help: ArgumentHelp("The files, plain or gzip; - is standard input.", valueName: "file"))
    var files: [String]

    @OptionGroup(title: "Kafka") var kafka: KafkaOptions

    @Option(
        help: ArgumentHelp(
            "The field at the top of each line's JSON whose value is the message's key, or none. (default: none)",
            valueName: "field"))
    var key: String?

    func validate() throws {
        guard files.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("-: standard input can be read once only.")
        }
        guard kafka.kafka != nil else { throw ValidationError("--kafka: missing, expected host:port.") }
        if let key, key != "none" {
            guard !key.isEmpty else {
                throw ValidationError("--key: found no name, expected that of a field, or none.")
            }
            guard kafka.lines == 1 else {
                throw ValidationError(
                    "--key \(key): a message of --lines \(kafka.lines) has several of them; use --key none.")
            }
        }
    }

    func run() throws {
        do {
            let field = key.flatMap { $0 == "none" ? nil : $0 }
            guard var topic = try kafka.connect(key: field.map { .field($0) } ?? .none) else { return }
            StopSignal.watch()
            for file in files {
                var lines = try LineFeed(path: file)
                while !StopSignal.isRaised, let chunk = try lines.next() {
                    try unsafe chunk.withUnsafeBytes { try unsafe topic.write($0) }
                }
            }
            let (messages, keyless) = (topic.messages, topic.keyless)
            try topic.close()
            let lack = keyless == 0 ? "" : ", \(keyless) of them without a key: they have no value in \(field ?? "")"
            StandardError.write("millrace: delivered \(messages) messages to topic \(kafka.topic ?? "")\(lack)")
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }
}

/// Whole lines of a file, some at a time, without empty ones.
private struct LineFeed {
    /// A line of more bytes is no message that a cluster takes.
    private static let lineBytesMax = 64 << 20
    private static let chunkBytes = 1 << 20

    private let reader: FileReader
    private let path: String
    private var rest: [UInt8] = []
    /// Whether nothing of the file has been looked at.
    private var isAtStart = true
    private var hasEnded = false

    init(path: String) throws {
        reader = try FileReader(path: path)
        self.path = path
    }

    /// The next lines, each with its newline; nil at the end.
    mutating func next() throws -> [UInt8]? {
        while !hasEnded {
            var buffer = [UInt8](repeating: 0, count: Self.chunkBytes)
            // A stream that is silent is waited for, as long as nobody asks for the end.
            guard
                let count = try unsafe buffer.withUnsafeMutableBytes({
                    try unsafe reader.read(into: $0, timeout: .milliseconds(200))
                })
            else { return [] }
            hasEnded = count == 0
            rest += buffer[..<count]
            if isAtStart {
                guard hasEnded || rest.count >= ByteOrderMark.length else { continue }
                if ByteOrderMark.begins(rest) { rest.removeFirst(ByteOrderMark.length) }
                isAtStart = false
            }
            if hasEnded, let last = rest.last, last != UInt8(ascii: "\n") { rest.append(UInt8(ascii: "\n")) }
            guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else {
                guard rest.count <= Self.lineBytesMax else {
                    throw ValidationError(
                        "\(path): a line is longer than \(Self.lineBytesMax >> 20) MiB, expected lines of JSON")
                }
                continue
            }
            let lines = Self.withoutEmpty(rest[...end])
            rest = Array(rest[(end + 1)...])
            if !lines.isEmpty { return lines }
        }
        return nil
    }

    private static func withoutEmpty(_ lines: ArraySlice<UInt8>) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(lines.count)
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let bytes = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            // As the file source: a line of blanks holds no document.
            guard bytes.contains(where: { ![UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains($0) })
            else {
                continue
            }
            kept += bytes
            kept.append(UInt8(ascii: "\n"))
        }
        return kept
    }
}
