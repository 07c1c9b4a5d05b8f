import Catalog
import Foundation
import Logging
import Synchronization

/// Lines that topologies have logged and that are still to be stored in the catalogue.
final class ServeLog: Sendable {
    /// Lines that wait at most: while the database is away, older ones are only on standard error.
    private static let linesMax = 1_000
    private let lines = Mutex<[LogLine]>([])
    let daemon: String

    init(daemon: String) { self.daemon = daemon }

    func add(topology: String, level: Logger.Level, message: String, details: String) {
        let line = LogLine(
            at: Int64(Date.now.timeIntervalSince1970 * 1e6), topology: topology, daemon: daemon, level: level.rawValue,
            message: Redaction.redacted(message), details: Redaction.redacted(details))
        lines.withLock { lines in
            lines.append(line)
            if lines.count > Self.linesMax { lines.removeFirst(lines.count - Self.linesMax) }
        }
    }

    /// All that wait.
    func take() -> [LogLine] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    /// Puts lines back that could not be stored.
    func giveBack(_ older: [LogLine]) {
        lines.withLock { lines in lines = (older + lines).suffix(Self.linesMax) }
    }
}

/// Writes to standard error, and keeps what a topology said for the catalogue.
struct ServeLogHandler: LogHandler {
    private var plain = PlainLogHandler()
    private let log: ServeLog

    init(_ log: ServeLog, level: Logger.Level) {
        self.log = log
        plain.logLevel = level
    }

    var logLevel: Logger.Level {
        get { plain.logLevel }
        set { plain.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { plain.metadata }
        set { plain.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { plain.metadata[key] }
        set { plain.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        plain.log(event: event)
        var all = plain.metadata.merging(event.metadata ?? [:]) { _, new in new }
        guard event.level >= .info, let topology = all.removeValue(forKey: "topology") else { return }
        log.add(
            topology: "\(topology)", level: event.level, message: event.message.description,
            details: PlainLogHandler.words(all).joined(separator: " "))
    }
}
