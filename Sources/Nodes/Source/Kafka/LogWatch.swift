import Dataflow
import Dispatch
import Foundation
import Kafka
import Synchronization

/// Asks about logs, and about the rows of partitions that stand still, on a thread of its own while reading goes on: one job
/// at a time.
///
/// `@unchecked Sendable`: `inspector` is used on `queue` only.
final class LogWatch: @unchecked Sendable {
    /// What is to be asked.
    struct Job: Sendable {
        /// Tells assignments and rewinds apart: an answer to what was asked before one is void.
        var generation: Int
        var questions: [LogQuestion]
        /// Partitions whose rows a person may have changed.
        var rows: [ClaimedPartition]
    }

    /// What was found.
    struct Report: Sendable {
        var job: Job
        var answers: [TopicPartition: LogAnswer] = [:]
        /// The rows that were asked for and are there; nil when the database has not said.
        var rows: [ClaimedPartition]?
        var problem: String?
    }

    private enum State { case idle, busy, done(Report) }

    private let connection: ConnectionConfiguration
    private let intake: Intake
    private let queue = DispatchQueue(label: "millrace.log-watch")
    private let state = Mutex(State.idle)
    private var inspector: LogInspector?

    init(_ connection: ConnectionConfiguration, _ intake: Intake) {
        self.connection = connection
        self.intake = intake
    }

    /// Whether a job may be begun.
    var isIdle: Bool { state.withLock { if case .idle = $0 { true } else { false } } }

    /// Begins a job; its report comes by `take`.
    func begin(_ job: Job) {
        state.withLock { $0 = .busy }
        queue.async {
            let report = self.carryOut(job)
            self.state.withLock { $0 = .done(report) }
        }
    }

    /// The report of the job that has ended, once.
    func take() -> Report? {
        state.withLock { state in
            guard case .done(let report) = state else { return nil }
            state = .idle
            return report
        }
    }

    /// Lets go of the connection. Returns at once.
    func close() { queue.async { self.inspector = nil } }

    private func carryOut(_ job: Job) -> Report {
        var report = Report(job: job)
        do {
            // What stands still may belong to somebody else by now.
            if !job.rows.isEmpty { report.rows = try intake.stored(job.rows) }
            let inspector = try inspector ?? SharedInspectors.inspector(of: connection)
            self.inspector = inspector
            // A row that was mended is asked about as it is now.
            let mended = Dictionary((report.rows ?? []).map { ($0.topicPartition, $0) }, uniquingKeysWith: { $1 })
            let questions = job.questions.map { question in
                mended[question.partition].map { LogQuestion($0) } ?? question
            }
            report.answers = inspector.answers(to: questions)
        } catch {
            report.problem = "\(error)"
        }
        return report
    }
}

/// A wait that nothing ends early, on a thread that may block.
enum Pause {
    static func wait(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        Thread.sleep(forTimeInterval: Double(seconds) + Double(attoseconds) / 1e18)
    }
}

extension ClaimedPartition {
    /// The partition in the driver's words.
    var topicPartition: TopicPartition { TopicPartition(key.topic, key.partition) }
}

extension LogQuestion {
    /// Asks whether the log is the one that a row was written about.
    init(_ row: ClaimedPartition) {
        self.init(partition: row.topicPartition, position: row.nextOffset, tail: row.tail)
    }
}
