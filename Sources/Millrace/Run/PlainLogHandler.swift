import Foundation
import Logging

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
        for word in Self.words(all) { line += " " + word }
        StandardError.write(line)
    }

    /// `key=value`, in order.
    static func words(_ metadata: Logger.Metadata) -> [String] {
        metadata.sorted { $0.key < $1.key }.map { key, value in "\(key)=\(quoted("\(value)"))" }
    }

    /// Values with spaces are quoted, so that a line can be taken apart again.
    private static func quoted(_ value: String) -> String {
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0.isNewline }) else { return value }
        let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }
}
