import Catalog
import Logging
import Platform
import Postgres
import WebAPI
import WebPage

/// Answers questions about the catalogue, one after the other, on a thread and a connection of its own: whoever asks
/// never waits for the database, and the database never has more than one of these to do.
final class CatalogDesk: Sendable {
    /// What somebody wants.
    enum Question: Sendable, Hashable {
        case answer(WebOperation)
        case show(PageRequest)
        case act(PageAction)

        var changesSomething: Bool {
            switch self {
            case .answer(let operation): operation.changesSomething
            case .show: false
            case .act: true
            }
        }
    }

    private struct Job: Sendable {
        var question: Question
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
    private let reading: ReadingDesk

    /// - Throws: `NoThread`.
    init(_ settings: ConnectionSettings, process: String, _ keeper: TLSKeeper?, _ logger: Logger) throws {
        let queue = Monitor(Queue())
        let reading = try ReadingDesk(settings)
        self.queue = queue
        self.reading = reading
        thread = try JoinableThread(name: "web catalogue") {
            ThreadPriority.giveWay(ThreadPriority.nicenessToStrangers)
            var clerk = Clerk(settings, process: process, keeper, reading, PageJobs(settings, logger)) {
                queue.withLock(\.isStopping)
            }
            while true {
                switch Self.next(queue, within: clerk.untilNextLook) {
                case .job(let job):
                    // Too late: the listener has said so, and nothing may happen behind the asker's back.
                    guard .now < job.deadline else { continue }
                    if let answer = clerk.answer(job.question, before: job.deadline, job.reply) {
                        job.reply.send(answer)
                    }
                case .look: break
                case .stop: return clerk.stop()
                }
                clerk.look()
            }
        }
    }

    private enum Next: Sendable { case job(Job), look, stop }

    private static func next(_ queue: Monitor<Queue>, within time: Duration) -> Next {
        queue.wait(timeout: max(.zero, time)) { queue in
            if queue.isStopping { return .stop }
            return queue.jobs.isEmpty ? nil : .job(queue.jobs.removeFirst())
        } ?? .look
    }

    /// Has a question answered.
    func ask(_ question: Question, _ reply: WebListener.Reply) {
        let job = Job(question: question, deadline: .now + WebLimits.answer, reply: reply)
        queue.update { $0.jobs.append(job) }
    }

    /// Ends the thread; a statement that waits is given up.
    func stop() {
        queue.update { $0.isStopping = true }
        thread.join()
        reading.stop()
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
    private let process: String
    private let keeper: TLSKeeper?
    private let readiness: Readiness
    private var catalog: Catalog?
    private var answers: [CatalogDesk.Question: (response: HTTPResponse, end: ContinuousClock.Instant)] = [:]
    private var failure: (response: HTTPResponse, end: ContinuousClock.Instant)?
    private var page: PageDesk
    private let jobs: PageJobs
    private let reading: ReadingDesk
    private var nextLook = ContinuousClock.now

    init(
        _ settings: ConnectionSettings, process: String, _ keeper: TLSKeeper?, _ reading: ReadingDesk, _ jobs: PageJobs,
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.settings = settings
        self.reading = reading
        self.isStopping = isStopping
        self.process = process
        self.keeper = keeper
        readiness = Readiness(process: process)
        self.jobs = jobs
        page = PageDesk(jobs)
    }

    /// The process ends.
    func stop() { jobs.stop() }

    /// Until the page looks at the catalogue again.
    var untilNextLook: Duration { nextLook - .now }

    /// Has the page look at the catalogue, when it is time.
    mutating func look() {
        guard .now >= nextLook, !isStopping() else { return }
        do {
            try connect(before: .now + WebLimits.answer)
            try page.look(&catalog!)
            nextLook = .now + PageDesk.look
        } catch {
            catalog = nil
            page.lose(Redaction.redacted("\(error)"))
            nextLook = .now + PageDesk.lookAway
        }
    }

    /// - Returns: nil when somebody else answers.
    mutating func answer(
        _ question: CatalogDesk.Question, before deadline: ContinuousClock.Instant, _ reply: WebListener.Reply
    ) -> HTTPResponse? {
        let now = ContinuousClock.now
        answers = answers.filter { $0.value.end > now }
        if let known = answers[question] { return known.response }
        if let failure, failure.end > now { return whileAway(question, failure.response) }
        do {
            let response = try ask(question, before: deadline, reply)
            failure = nil
            if question.changesSomething {
                answers = [:]
            } else if case .answer = question, let response {
                answers[question] = (response, .now + Self.freshness)
            }
            return response
        } catch let error as CatalogError {
            let status = error.code == .unknownTopology ? 404 : 409
            if case .answer = question { return .error(status, error.code.rawValue, error.description) }
            return PageAnswer.failure(status, "That is not possible", error.description)
        } catch {
            catalog = nil
            let reason = Redaction.redacted("\(error)")
            let response = HTTPResponse.error(503, "catalogue-away", "the catalogue cannot be asked: \(reason)")
            failure = (response, .now + Self.freshness)
            page.lose(reason)
            return whileAway(question, response)
        }
    }

    /// What can be said while the catalogue is away.
    private func whileAway(_ question: CatalogDesk.Question, _ response: HTTPResponse) -> HTTPResponse {
        switch question {
        case .answer: response
        case .show(let request): page.showOld(request)
        case .act:
            PageAnswer.failure(
                503, "The catalogue's database cannot be asked", "Nothing was changed, as far as is known.")
        }
    }

    /// Asks the catalogue; once more when a connection from before turns out to be lost.
    private mutating func ask(
        _ question: CatalogDesk.Question, before deadline: ContinuousClock.Instant, _ reply: WebListener.Reply
    ) throws -> HTTPResponse? {
        let isOld = catalog != nil
        do {
            return try askOnce(question, before: deadline, reply)
        } catch let error as PostgresError
            where isOld && error.isRetryable && !question.changesSomething && .now + Self.silence < deadline
        {
            catalog = nil
            return try askOnce(question, before: deadline, reply)
        }
    }

    private mutating func askOnce(
        _ question: CatalogDesk.Question, before deadline: ContinuousClock.Instant, _ reply: WebListener.Reply
    ) throws -> HTTPResponse? {
        try connect(before: deadline)
        switch question {
        case .answer(.metrics):
            return try WebAnswers.metrics(&catalog!, certificateEnd: keeper?.certificateEnd, of: process)
        case .answer(let operation): return try WebAnswers.answer(operation, &catalog!, readiness, jobs)
        case .show(let request):
            switch try page.show(request, &catalog!) {
            case .answer(let response): return response
            case .reading(let read):
                reading.ask(request, before: deadline, reply, read)
                return nil
            }
        case .act(let action): return try page.act(action, &catalog!)
        }
    }

    private mutating func connect(before deadline: ContinuousClock.Instant) throws {
        guard catalog == nil else { return }
        catalog = try Catalog(
            connecting: settings, within: min(Self.silence, deadline - .now), silence: Self.silence,
            isCancelled: isStopping)
    }
}
