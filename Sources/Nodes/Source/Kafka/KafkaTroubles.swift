import Dataflow
import Kafka
import Logging

/// What a source waits for: shown, and logged. Used on the source's thread.
final class KafkaTroubles {
    private var book = TroubleBook()
    private let logger: Logger
    /// Whether the cluster has ever let us in: then what it refuses may be allowed again, passwords rotate.
    private var isIn = false
    private var refusedSince: ContinuousClock.Instant?

    init(_ logger: Logger) { self.logger = logger }

    /// All of it, as one line.
    var summary: String? { book.summary }

    /// Whether something is in the way that explains why nothing is assigned.
    var explainsSilence: Bool { book.has(.connection) || book.has(.security) || book.has(.database) }

    /// Whether all is well.
    var isEmpty: Bool { book.isEmpty }

    /// Something is in the way.
    func met(_ subject: TroubleBook.Subject, _ text: String) { say(book.met(subject, text, .now), subject) }

    /// It is not any more.
    func over(_ subject: TroubleBook.Subject) { say(book.over(subject, .now), subject) }

    /// Something else explains it by now, and says when it is over.
    func forget(_ subject: TroubleBook.Subject) { book.forget(subject) }

    /// The cluster answers.
    func answered() {
        isIn = true
        refusedSince = nil
        guard !book.isEmpty else { return }
        over(.connection)
        over(.security)
    }

    /// Says again what lasts.
    func remind() {
        for case .lasts(let text, let since) in book.remind(.now) {
            logger.warning("Still waiting", metadata: ["reason": "\(text)", "for": "\(since.components.seconds) s"])
        }
    }

    /// Credentials or TLS settings were refused, or somebody answers who does not speak Kafka. Where that never worked it is
    /// a mistake in the settings; where it did, it may again.
    /// - Throws: `SourceError` when it has never worked for a while.
    func refused(_ error: KafkaError) throws(SourceError) {
        met(.security, "\(error)")
        guard !isIn else { return }
        let since = refusedSince ?? .now
        refusedSince = since
        if .now - since >= SourceLimits.refusal { throw SourceError(code: .kafka, description: "\(error)") }
    }

    /// The same for what was refused already and has not been since: the client does not repeat itself.
    func checkRefusal() throws(SourceError) {
        guard !isIn, let since = refusedSince, .now - since >= SourceLimits.refusal, let summary else { return }
        throw SourceError(code: .kafka, description: summary)
    }

    private func say(_ news: TroubleBook.News?, _ subject: TroubleBook.Subject) {
        switch news {
        case nil, .lasts: break
        case .over: logger.notice("\(Self.relief(subject))")
        case .began(let text):
            // Halted partitions have a line of their own each.
            guard subject != .halted else { return }
            logger.warning("\(Self.sentence(subject))", metadata: ["reason": "\(text)"])
        }
    }

    private static func sentence(_ subject: TroubleBook.Subject) -> String {
        switch subject {
        case .group: "Waiting for partitions"
        case .partitions: "Waiting for some partitions; the others are read"
        case .database: "Waiting for the database"
        case .connection, .security, .topic, .halted: "Waiting for Kafka"
        }
    }

    private static func relief(_ subject: TroubleBook.Subject) -> String {
        switch subject {
        case .group: "Partitions are assigned"
        case .topic(let name): "Topic \(name) is read again"
        case .partitions: "All partitions are read again"
        case .halted: "No partition is halted any more"
        case .database: "The database is back"
        case .connection, .security: "Kafka answers again"
        }
    }
}
