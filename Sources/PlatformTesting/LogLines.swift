public import Logging
import Synchronization

/// Keeps what is logged, in place of writing it.
public final class LogLines: LogHandler, Sendable {
    /// One line.
    public struct Line: Sendable {
        /// How loud it is.
        public var level: Logger.Level
        /// The message and what goes with it, as `message a=1 b=2`, in the order of the names.
        public var text: String
    }

    private let level: Logger.Level
    private let lines = Mutex<[Line]>([])

    /// - Parameter level: what is quieter is not kept.
    public init(from level: Logger.Level = .trace) { self.level = level }

    /// All lines so far.
    public var all: [Line] { lines.withLock { $0 } }

    /// All lines so far, each behind its level.
    public var text: String { all.map { "\($0.level) \($0.text)" }.joined(separator: "\n") }

    /// Keeps a line.
    public func log(event: LogEvent) {
        let words = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted()
        let text = ([event.message.description] + words).joined(separator: " ")
        lines.withLock { $0.append(Line(level: event.level, text: text)) }
    }

    /// What it was made with.
    public var logLevel: Logger.Level {
        get { level }
        set {}
    }
    /// None; of what a logger sets once for all its lines nothing is kept.
    public var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    /// None, as `metadata`.
    public subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
}
