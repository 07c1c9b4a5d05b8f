import ArgumentParser
import EventGenerator
import Glibc

/// `millrace generate`: game events as NDJSON.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make realistic game events, one JSON document per line.",
        discussion: """
            The events are those of a game that does not exist: skewed players and items, sessions, purchases, nested \
            payloads, event times slightly out of order and now and then minutes late. The same options give the same \
            bytes on every machine.

              millrace generate --events 1000000 --output events.ndjson
              millrace generate --rate 5000 --start now --kafka localhost:9092 --topic game.events
            """)

    @OptionGroup var options: GenerateOptions

    @Option(name: [.short, .long], help: ArgumentHelp("Where the events go; - is standard output.", valueName: "path"))
    var output = "-"

    @OptionGroup(title: "Kafka") var kafka: KafkaOptions

    @Option(
        help: """
            What a message's key is: user (a player's events stay in one partition) or none. (default: user, none with \
            --lines)
            """)
    var key: EventKey?

    /// What the key of a generated event may be.
    enum EventKey: String, ExpressibleByArgument, CaseIterable { case user, none }

    func validate() throws {
        guard kafka.lines == 1 || key != .user else {
            throw ValidationError("--key user: a message of --lines \(kafka.lines) has several users; use --key none.")
        }
        guard output == "-" || kafka.kafka == nil else {
            throw ValidationError("--output and --kafka: events go to one place, expected one of the two.")
        }
    }

    func run() throws {
        let hasUser = (key ?? (kafka.lines == 1 ? .user : EventKey.none)) == .user
        if let topic = try kafka.connect(key: hasUser ? .user : .none) { return try fill(topic) }
        let file = try OutputFile(path: output)
        do {
            try unsafe options.feed().run { try unsafe file.write($0) }
        } catch OutputFile.Failure.readerGone {
            // `millrace generate | head` ends here, as it should.
        }
        try file.close()
    }

    /// Writes to Kafka until the events are over or a signal comes; what was made is delivered in either case.
    private func fill(_ topic: consuming KafkaOutput) throws {
        StopSignal.watch()
        var feed = options.feed()
        let lines = UInt64(kafka.lines)
        feed.chunkEventsMax = max(lines, feed.chunkEventsMax / lines * lines)
        do {
            try unsafe feed.run { chunk in
                if StopSignal.isRaised { throw CancellationError() }
                try unsafe topic.write(chunk)
            }
        } catch is CancellationError {
            // What is queued is delivered below.
        }
        let messages = topic.messages
        try topic.close()
        StandardError.write("millrace: delivered \(messages) messages to topic \(kafka.topic ?? "")")
    }
}

/// Where a command's bytes go: a file, or standard output.
struct OutputFile: ~Copyable {
    /// What can be wrong with an output.
    enum Failure: Error, CustomStringConvertible {
        /// The path cannot be opened for writing.
        case open(path: String, reason: String)
        /// The bytes cannot be written; the file holds a part of them.
        case write(path: String, reason: String)
        /// The other end of the pipe was closed.
        case readerGone

        var description: String {
            switch self {
            case .open(let path, let reason): "\(path): cannot be written to: \(reason)"
            case .write(let path, let reason): "\(path): writing failed: \(reason)"
            case .readerGone: "the reader of the output has gone"
            }
        }
    }

    private let path: String
    private let descriptor: Int32

    /// Opens the file at `path` for writing and empties it; `-` is standard output.
    init(path: String) throws(Failure) {
        self.path = path == "-" ? "standard output" : path
        guard path != "-" else {
            descriptor = STDOUT_FILENO
            return
        }
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .open(path: path, reason: OutputFile.reason(errno)) }
    }

    /// Writes all of `bytes`; blocks until the system has taken them.
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if written >= 0 {
                unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                continue
            }
            let error = errno
            if error == EPIPE { throw .readerGone }
            if error != EINTR { throw .write(path: path, reason: OutputFile.reason(error)) }
        }
    }

    /// Closes the file; an error that the system has put off is reported here.
    consuming func close() throws(Failure) {
        guard descriptor != STDOUT_FILENO else { return }
        if Glibc.close(descriptor) != 0 { throw .write(path: path, reason: OutputFile.reason(errno)) }
    }

    private static func reason(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
