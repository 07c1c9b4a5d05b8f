import Catalog
import Platform
import Postgres
import WebAPI
import WebPage

/// Reads tables and dead letters for the page, on a thread and a connection of its own: such a query may take seconds, and
/// nobody else is to wait for it.
final class ReadingDesk: Sendable {
    /// Reads, and gives what is shown to whoever looks.
    ///
    /// It is told at what moment it is too late: what is not read by then is said not to be.
    typealias Reading = @Sendable (inout Catalog, ContinuousClock.Instant) throws -> @Sendable (Viewer) -> HTML

    /// Before the listener would say that there is no answer.
    private static let reserve = Duration.milliseconds(700)

    /// What was read is good for so long: browsers that look at the same have it read once.
    private static let freshness = Duration.seconds(5)
    /// What is kept; each is a page.
    private static let keptMax = 32

    private struct Job: Sendable {
        var request: PageRequest
        var reading: Reading
        var deadline: ContinuousClock.Instant
        var reply: WebListener.Reply
    }

    private struct Queue {
        var jobs: [Job] = []
        var isStopping = false
    }

    private let queue: Monitor<Queue>
    private let thread: JoinableThread

    /// - Throws: `NoThread`.
    init(_ settings: ConnectionSettings) throws {
        let queue = Monitor(Queue())
        self.queue = queue
        thread = try JoinableThread(name: "web reading") {
            ThreadPriority.giveWay(ThreadPriority.nicenessToStrangers)
            var reader = Reader(settings) { queue.withLock(\.isStopping) }
            while let job = Self.next(queue) {
                // Too late: the listener has said so.
                guard .now < job.deadline else { continue }
                job.reply.send(reader.answer(job.request, before: job.deadline - Self.reserve, job.reading))
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

    /// Has something read and shown.
    func ask(
        _ request: PageRequest, before deadline: ContinuousClock.Instant, _ reply: WebListener.Reply,
        _ reading: @escaping Reading
    ) {
        let job = Job(request: request, reading: reading, deadline: deadline, reply: reply)
        queue.update { $0.jobs.append(job) }
    }

    /// Ends the thread; a statement that waits is given up.
    func stop() {
        queue.update { $0.isStopping = true }
        thread.join()
    }

    /// Who sits at the desk.
    private struct Reader: ~Copyable {
        private let settings: ConnectionSettings
        private let isStopping: @Sendable () -> Bool
        private var catalog: Catalog?
        private var kept: [PageRequest: (show: @Sendable (Viewer) -> HTML, end: ContinuousClock.Instant)] = [:]

        init(_ settings: ConnectionSettings, isStopping: @escaping @Sendable () -> Bool) {
            self.settings = settings
            self.isStopping = isStopping
        }

        /// Reads; once more when a connection that was there before turns out to be none any more.
        private mutating func read(
            before deadline: ContinuousClock.Instant, _ reading: Reading
        ) throws -> @Sendable (Viewer) -> HTML {
            let wasThere = catalog != nil
            do {
                if catalog == nil {
                    catalog = try Catalog(
                        connecting: settings, within: .seconds(3), silence: .seconds(4), isCancelled: isStopping)
                }
                return try reading(&catalog!, deadline)
            } catch let error as PostgresError where wasThere && error.isConnectionLost {
                catalog = nil
                return try read(before: deadline, reading)
            }
        }

        mutating func answer(
            _ request: PageRequest, before deadline: ContinuousClock.Instant, _ reading: Reading
        ) -> HTTPResponse {
            var anybody = request
            anybody.viewer = Viewer(mayAct: false, formToken: "")
            let now = ContinuousClock.now
            kept = kept.filter { $0.value.end > now }
            do {
                let show: @Sendable (Viewer) -> HTML
                // Whoever has just done something wants to see what became of it.
                if let known = kept[anybody], request.query["done"] == nil {
                    show = known.show
                } else {
                    show = try read(before: deadline, reading)
                    if kept.count < ReadingDesk.keptMax { kept[anybody] = (show, .now + ReadingDesk.freshness) }
                }
                return PageAnswer.html(show(request.viewer))
            } catch let error as PostgresError where error.sqlState == "57014" {
                return PageAnswer.failure(
                    503, "The database needs too long for this",
                    "A query of the page may take \(Catalog.readingSeconds) s. psql has no such bound.")
            } catch {
                catalog = nil
                return PageAnswer.failure(
                    503, "The catalogue's database cannot be asked", Redaction.redacted("\(error)"))
            }
        }
    }
}
