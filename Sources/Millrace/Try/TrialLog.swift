import Logging
import Nodes
import Synchronization

/// Keeps what a pipeline has to say about a sample, for the report at the end.
final class TrialLog: Sendable {
    private let kept = Mutex<[String]>([])

    /// What was said, each once, in order.
    var remarks: [String] { kept.withLock { $0 } }

    /// Where a logger writes.
    var handler: any LogHandler { Handler(log: self) }

    /// Keeps what a node noticed, unless a later remark says it with the numbers.
    func add(_ remark: Remark) {
        if let sentence = remark.sentence { add(sentence) }
    }

    /// Keeps a remark.
    func add(_ remark: String) {
        kept.withLock { kept in
            if !kept.contains(remark) { kept.append(remark) }
        }
    }

    private struct Handler: LogHandler {
        let log: TrialLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            log.add("\(event.message)" + (details.isEmpty ? "" : ": " + details.joined(separator: ", ")))
        }
    }
}
