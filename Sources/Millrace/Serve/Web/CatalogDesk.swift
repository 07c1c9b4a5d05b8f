import Catalog
import Platform
import Postgres
import WebAPI

/// Answers questions about the catalogue, one after the other, on a thread and a connection of its own: whoever asks
/// never waits for the database, and the database never has more than one of these to do.
final class CatalogDesk: Sendable {
    private struct Job: Sendable {
        var operation: WebOperation
        var deadline: ContinuousClock.Instant
        var reply: WebListener.Reply
    }

    /// No more than there are connections of the listener, as each asks once.
    private struct Queue {
        var jobs: [Job] = []
        var isStopping = false
    }

    private let queue: Monitor<Queue>
    private let thread: JoinableThread

    /// - Throws: `NoThread`.
    init(_ settings: ConnectionSettings, process: String) throws {
        let queue = Monitor(Queue())
        self.queue = queue
        thread = try JoinableThread(name: "web catalogue") {
            var clerk = Clerk(settings, process: process) { queue.withLock(\.isStopping) }
            while let job = Self.next(queue) {
                // Too late: the listener has said so, and nothing may happen behind the asker's back.
                guard .now < job.deadline else { continue }
                job.reply.send(clerk.answer(job.operation, before: job.deadline))
            }
        }
    }

    private static func next(_ queue: Monitor<Queue>) -> Job? {
        let found: Job?? = queue.wait { queue in
            if queue.isStopping { return .some(nil) }
            return queue.jobs.isEmpty ? nil : .some(queue.jobs.removeFirst())
        }
        return found ?? nil
    }

    /// Has a question answered.
    func ask(_ operation: WebOperation, _ reply: WebListener.Reply) {
        let job = Job(operation: operation, deadline: .now + WebLimits.answer, reply: reply)
        queue.update { $0.jobs.append(job) }
    }

    /// Ends the thread; a statement that waits is given up.
    func stop() {
        queue.update { $0.isStopping = true }
        thread.join()
    }
}

/// Who sits at the desk.
private struct Clerk: ~Copyable {
    /// An answer is good for so long, and so is the news that the catalogue cannot be asked.
    private static let freshness = Duration.seconds(1)
    /// How long the database may be silent. Less than the listener waits, so that the answer says what is the matter.
    private static let silence = Duration.seconds(3)

    private let settings: ConnectionSettings
    private let isStopping: @Sendable () -> Bool
    private var readiness: Readiness
    private var catalog: Catalog?
    private var answers: [WebOperation: (response: HTTPResponse, end: ContinuousClock.Instant)] = [:]
    private var failure: (response: HTTPResponse, end: ContinuousClock.Instant)?

    init(_ settings: ConnectionSettings, process: String, isStopping: @escaping @Sendable () -> Bool) {
        self.settings = settings
        self.isStopping = isStopping
        readiness = Readiness(process: process)
    }

    mutating func answer(_ operation: WebOperation, before deadline: ContinuousClock.Instant) -> HTTPResponse {
        let now = ContinuousClock.now
        answers = answers.filter { $0.value.end > now }
        if let known = answers[operation] { return known.response }
        if let failure, failure.end > now { return failure.response }
        do {
            let response = try ask(operation, before: deadline)
            failure = nil
            if operation.changesSomething {
                answers = [:]
            } else {
                answers[operation] = (response, .now + Self.freshness)
            }
            return response
        } catch let error as CatalogError {
            return .error(error.code == .unknownTopology ? 404 : 409, error.code.rawValue, error.description)
        } catch {
            catalog = nil
            let response = HTTPResponse.error(
                503, "catalogue-away", "the catalogue cannot be asked: \(Redaction.redacted("\(error)"))")
            failure = (response, .now + Self.freshness)
            return response
        }
    }

    /// Asks the catalogue; once more when a connection from before turns out to be lost.
    private mutating func ask(
        _ operation: WebOperation, before deadline: ContinuousClock.Instant
    ) throws -> HTTPResponse {
        let isOld = catalog != nil
        do {
            return try askOnce(operation, before: deadline)
        } catch let error as PostgresError
            where isOld && error.isRetryable && !operation.changesSomething && .now + Self.silence < deadline
        {
            catalog = nil
            return try askOnce(operation, before: deadline)
        }
    }

    private mutating func askOnce(
        _ operation: WebOperation, before deadline: ContinuousClock.Instant
    ) throws -> HTTPResponse {
        if catalog == nil {
            catalog = try Catalog(
                connecting: settings, within: min(Self.silence, deadline - .now), silence: Self.silence,
                isCancelled: isStopping)
        }
        return try WebAnswers.answer(operation, &catalog!, &readiness)
    }
}
