import Dataflow
import Foundation
import Postgres
import Synchronization

/// How long a server may say nothing. Every byte of an answer begins anew.
struct SilenceBounds: Sendable {
    /// Until it is asked over another connection, and the user is told.
    var word = Duration.seconds(5)
    /// The least time between two such questions, and the longest wait for an answer.
    var question = Duration.seconds(3)
    /// Until the connection is dropped and the work begun again on a new one. Machines that are moved and disks that are
    /// busy with a snapshot come back sooner; a network that is gone is noticed sooner by TCP (`tcp_user_timeout`).
    var unanswered = Duration.seconds(60)
    /// The same when it says that it works on the statement. To drop it would only begin the work again, and a COMMIT
    /// that waits for a standby would be done without it.
    var busy = Duration.seconds(600)
    /// Until an instance that holds locks, and whose client says nothing in the middle of its transaction, is ended.
    var standingStill = Duration.milliseconds(SinkLimits.standingStillMilliseconds)
}

/// Watches over the calls of one session: a wait is ended when the pipeline gives up, named after five seconds, and cut
/// off when nothing is left to hope for.
///
/// What a silent server waits for is asked over a second, short-lived connection, on a thread of its own, so that
/// nothing here blocks.
final class SessionWatch: Sendable {
    /// What the second connection found out.
    enum Finding: Sendable, Equatable {
        case report(ProcessReport)
        case unreachable(PostgresError)
    }

    private struct State {
        /// The silence that the rest is about.
        var since: ContinuousClock.Instant?
        var isAsking = false
        var asked: ContinuousClock.Instant?
        var finding: Finding?
    }

    private let settings: ConnectionSettings
    private let session: String
    private let board: TroubleBoard
    private let bounds: SilenceBounds
    private let state = Mutex(State())

    init(_ settings: ConnectionSettings, session: String, board: TroubleBoard, bounds: SilenceBounds) {
        self.bounds = bounds
        self.settings = settings
        self.session = session
        self.board = board
    }

    /// A watch for calls made on behalf of `context`.
    func watch(for context: CommitContext) -> SilenceWatch {
        SilenceWatch { [self] silence in decide(silence, context) }
    }

    private func decide(_ silence: SilenceWatch.Silence, _ context: CommitContext) -> SilenceWatch.Verdict {
        if context.isCancelled { return .cancel }
        guard silence.duration >= bounds.word else { return .wait }
        let finding = ask(about: silence)
        // The first words are all that stands in the log, so they wait for the answer.
        guard finding != nil || silence.duration >= bounds.word + bounds.question else {
            return .wait
        }
        let text = Self.words(silence.duration, finding)
        board.report(text, by: session, context)
        return Self.isOver(silence.duration, finding, bounds) ? .giveUp(text) : .wait
    }

    /// What is known about this silence; asks if it is time to.
    private func ask(about silence: SilenceWatch.Silence) -> Finding? {
        let (finding, isDue) = state.withLock { state -> (Finding?, Bool) in
            if state.since != silence.since {
                state.since = silence.since
                state.asked = nil
                state.finding = nil
            }
            let isDue = state.asked.map { .now >= $0 + bounds.question } ?? true
            guard !state.isAsking, isDue, silence.process != nil else { return (state.finding, false) }
            state.isAsking = true
            state.asked = .now
            return (state.finding, true)
        }
        if isDue, let process = silence.process {
            Thread.detachNewThread { [self] in
                let finding = find(process)
                state.withLock { state in
                    state.isAsking = false
                    if state.since == silence.since { state.finding = finding }
                }
            }
        }
        return finding
    }

    /// Asks the server about a process, and ends instances of Millrace that stand still with locks it waits for.
    private func find(_ process: ServerProcess) -> Finding {
        let deadline = ContinuousClock.now + bounds.question
        do throws(PostgresError) {
            var connection = try Connection.connect(settings, deadline: deadline)
            let report = try connection.report(on: process, deadline: deadline)
            for holder in report.holders where Self.isStandingStill(holder, connection.applicationName, bounds) {
                try connection.terminate(holder.process, deadline: deadline)
            }
            return .report(report)
        } catch {
            return .unreachable(error)
        }
    }

    /// Whether a holder of locks is an instance like this one whose client has said nothing for so long in the middle of
    /// its transaction that it must be frozen or cut off. The server ends those by itself unless they stopped between
    /// two parts of one statement.
    static func isStandingStill(
        _ holder: ProcessReport.Holder, _ ourName: String, _ bounds: SilenceBounds
    ) -> Bool {
        holder.isSameRole && holder.isMillrace && holder.application == ourName
            && .seconds(holder.clientSilentSeconds ?? 0) >= bounds.standingStill
    }

    // MARK: - Judging

    /// Whether waiting on is in vain.
    static func isOver(_ silence: Duration, _ finding: Finding?, _ bounds: SilenceBounds) -> Bool {
        guard case .report(let report) = finding else { return silence >= bounds.unanswered }
        if !report.exists { return true }
        return silence >= (report.isBusy ? bounds.busy : bounds.unanswered)
    }

    /// What a silence is about, for the user.
    static func words(_ silence: Duration, _ finding: Finding?) -> String {
        let seconds = "\(silence.components.seconds) s"
        let unanswered = "the database has not answered for \(seconds)"
        switch finding {
        case nil: return unanswered
        case .unreachable(let error): return unanswered + ", and cannot be asked why: \(error)"
        case .report(let report):
            guard report.exists else { return unanswered + ": it has ended this session" }
            guard report.isBusy else {
                return unanswered + ": its process is \(report.state), as if nothing had arrived; it stands still, or "
                    + "the network between has forgotten the connection"
            }
            if report.waitKind == "Lock" {
                return "the database has waited \(seconds) for \(lock(report))" + holders(report.holders)
            }
            let event = report.waitEvent.map { " (it waits for \($0))" } ?? ""
            return unanswered + ": it still works on the statement\(event)"
        }
    }

    private static func lock(_ report: ProcessReport) -> String {
        switch (report.lockKind, report.table) {
        case ("relation"?, let table?): "a lock on table \(table)"
        case ("advisory"?, let table?): "its turn to lock and write table \(table)"
        case ("advisory"?, nil): "an advisory lock, behind which instances set up schema and tables"
        case (_, let table?): "a lock on a row of table \(table)"
        case ("transactionid"?, nil), ("tuple"?, nil): "a lock on a row"
        default: "a lock"
        }
    }

    private static func holders(_ holders: [ProcessReport.Holder]) -> String {
        guard !holders.isEmpty else { return "" }
        let list = holders.map { holder in
            guard holder.process.id != 0 else { return "a prepared transaction" }
            let name = holder.application.unicodeScalars.filter { $0.isASCII && $0.value >= 32 }.prefix(64)
            let about = [String(String.UnicodeScalarView(name)), holder.state ?? ""].filter { !$0.isEmpty }
            return "process \(holder.process.id)" + (about.isEmpty ? "" : " (\(about.joined(separator: ", ")))")
        }
        return ", held by " + list.joined(separator: " and ")
    }
}
