import Foundation
import Logging
import Synchronization

/// One line per event on standard error: time, level, sentence, key=value.
struct PlainLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line =
            Date().formatted(.iso8601) + " " + event.level.rawValue.uppercased() + " " + event.message.description
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted("\(value)"))" }
        StandardError.write(line)
    }

    /// Values with spaces are quoted, so that a line can be taken apart again.
    private static func quoted(_ value: String) -> String {
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0.isNewline }) else { return value }
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }
}

/// Standard error, a line at a time.
enum StandardError {
    private static let lock = NSLock()

    /// Writes a line. While a progress line is on the terminal, it is erased first and comes again by itself.
    static func write(_ line: String) {
        lock.withLock {
            let erase = ProgressLine.isShown.load(ordering: .relaxed) ? "\r\u{1B}[K" : ""
            FileHandle.standardError.write(Data((erase + line + "\n").utf8))
        }
    }

    /// Replaces the progress line.
    static func writeProgress(_ line: String) {
        lock.withLock { FileHandle.standardError.write(Data(("\r\u{1B}[K" + line).utf8)) }
    }
}
