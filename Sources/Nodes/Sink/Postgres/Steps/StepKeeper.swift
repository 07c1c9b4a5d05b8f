import Dataflow
import Foundation
import Logging
import Platform
import Postgres

/// What a table has after its commits, and where it is told of.
package struct TableStep: Sendable {
    let plan: StepPlan
    let logger: Logger
}

/// Runs the program of one table after commits, on a thread of its own: once for each, or once for all that came while it
/// ran. Commits do not wait for it.
final class StepKeeper: Sendable {
    /// What a look has come to.
    private enum Outcome {
        case nothing, done, taken, stopped
        case failed(String)
    }

    private struct State {
        /// Whether something may be to do: at the start, what another run has left.
        var hasNews = true
        var isFinishing = false
        /// Since when it is to end.
        var stopping: ContinuousClock.Instant?
        var hasEnded = false
        /// What stays undone at the end of the topology.
        var undone: String?
        var commits: Int64 = 0
        var done: Int64 = 0
        var runs: Int64 = 0
        var failures: Int64 = 0
    }

    let node: String
    private let step: TableStep
    private let book: StepBook
    private let memory: MemoryAccountant
    private let report: @Sendable (String?) -> Void
    private let speech = Throttle()
    private let state = Monitor(State())

    /// - Parameters:
    ///   - node: the name of the node whose table it is.
    ///   - memory: what keys of rows are drawn from.
    ///   - report: says what the node waits for; nil when that is over.
    init(
        _ step: TableStep, of node: String, _ book: StepBook, memory: MemoryAccountant,
        report: @escaping @Sendable (String?) -> Void
    ) {
        self.step = step
        self.node = node
        self.book = book
        self.memory = memory
        self.report = report
    }

    /// Begins.
    /// - Parameter makeSession: makes its connection, on the thread that uses it.
    /// - Throws: `NoThread`.
    func start(_ makeSession: @escaping @Sendable () -> PostgresSession) throws(NoThread) {
        _ = try JoinableThread(name: "step \(node)") { [self] in
            let session = makeSession()
            run(session)
            session.close()
            report(nil)
            state.update { $0.hasEnded = true }
        }
    }

    /// A commit is in the database.
    func committed(_ number: Int64) {
        state.update { state in
            state.commits = max(state.commits, number)
            state.hasNews = true
        }
    }

    /// Its figures.
    var snapshot: StepSnapshot {
        state.withLock { state in
            StepSnapshot(
                node: node, table: book.table.place.shown, runs: state.runs, failures: state.failures,
                waiting: max(0, state.commits - state.done))
        }
    }

    /// The sources have ended: has what is left done, and waits for it.
    /// - Parameter isCancelled: asked again and again; true leaves it to the next run.
    /// - Throws: `StepUndone` when it could not be done.
    func finish(_ isCancelled: () -> Bool) throws(StepUndone) {
        state.update { $0.isFinishing = true }
        while !isCancelled() {
            if state.wait(timeout: .milliseconds(100), { $0.hasEnded ? true : nil }) != nil { break }
        }
        end()
        if let reason = state.withLock({ $0.undone }) {
            throw StepUndone(node: node, table: book.table.place.shown, reason: reason)
        }
    }

    /// Ends it, also in the middle of a run, which is repeated then. Waits for that, for a bounded time.
    func end() {
        tellToEnd()
        let patience = StepLimits.stopGrace + StepLimits.stopWriting * 2 + .seconds(1)
        _ = state.wait(timeout: patience) { $0.hasEnded ? true : nil }
    }

    /// Says that it is to end.
    func tellToEnd() { state.update { if $0.stopping == nil { $0.stopping = .now } } }

    // MARK: - Its thread

    private func run(_ session: PostgresSession) {
        var (failures, pause, isRetrying, isLast) = (0, Duration.zero, false, false)
        var programGuard: ProgramGuard?
        var takenSince: ContinuousClock.Instant?
        while true {
            let (mayGoOn, isFinishing) =
                state.wait(timeout: pause) { state -> (Bool, Bool)? in
                    if state.stopping != nil { return (false, false) }
                    if state.isFinishing, !isLast { return (true, true) }
                    return state.hasNews && !isRetrying ? (true, state.isFinishing) : nil
                } ?? (true, isLast)
            guard mayGoOn else { return }
            if isFinishing, !isLast { (isLast, failures, takenSince) = (true, 0, nil) }
            let known = state.withLock { state in
                state.hasNews = false
                return state.commits
            }
            switch look(session, &programGuard) {
            case .nothing:
                report(nil)
                state.withLock { $0.done = max($0.done, known) }
                if isLast { return }
                (failures, pause, isRetrying) = (0, StepLimits.look, false)
            case .taken:
                report(nil)
                // One that is alive does it; the lease of one that was killed lapses.
                let since = takenSince ?? .now
                if isLast, .now - since > StepLimits.silence + StepLimits.sign { return }
                takenSince = since
                (pause, isRetrying) = (StepLimits.lookAtOthers, true)
            case .done:
                takenSince = nil
                (failures, pause, isRetrying) = (0, .zero, false)
                report(nil)
            case .stopped: return
            case .failed(let reason):
                failures += 1
                if isLast, failures >= StepLimits.triesAtEnd { return state.update { $0.undone = reason } }
                let factor = 1 << min(failures - 1, 10)
                pause = min(StepLimits.pauseFirst * factor, StepLimits.pauseLongest)
                isRetrying = true
                tell(reason, failures, pause)
            }
        }
    }

    private func tell(_ reason: String, _ failures: Int, _ pause: Duration) {
        let times = failures > 1 ? ", \(failures) times in a row" : ""
        report("after_commit of \(book.table.place.shown): \(reason)\(times); it is tried again in \(pause)")
        say(
            .warning, "The program after a commit has failed and is tried again",
            ["reason": "\(reason)", "failures": "\(failures)", "pause": "\(pause)"])
    }

    private func look(_ session: PostgresSession, _ programGuard: inout ProgramGuard?) -> Outcome {
        do {
            let claim = try transaction(session, context()) { connection in try book.claim(&connection) }
            guard case .order(let order) = claim else { return claim == .taken ? .taken : .nothing }
            if programGuard == nil { programGuard = try ProgramGuard() }
            guard let programGuard else { return .stopped }
            return try run(order, session, programGuard)
        } catch is WaitCancelled {
            guard state.withLock({ $0.stopping }) == nil else { return .stopped }
            return .failed("the database does not answer")
        } catch {
            return .failed("\(error)")
        }
    }

    /// Runs the program for some commits, and writes down what became of it.
    private func run(
        _ order: StepOrder, _ session: PostgresSession, _ programGuard: ProgramGuard
    ) throws -> Outcome {
        var keys = try transaction(session, context()) { connection in try book.keys(of: order, &connection) }[...]
        let drawn = keys.reduce(0) { $0 + $1.count } * StepLimits.bytesPerKey
        memory.draw(drawn, for: .rows)
        defer { memory.draw(-drawn, for: .rows) }
        let program = ProgramRun(
            step.plan.command, environment: step.plan.environment.merging(variables(order)) { _, ours in ours },
            timeout: step.plan.timeout, memoryMax: step.plan.memoryMax, guardedBy: programGuard
        ) { self.say(.notice, "A program says", ["text": "\($0)"]) }
        var signed = ContinuousClock.now
        let outcome: ProgramRun.Outcome
        do {
            outcome = try program.run { deadline in
                guard let part = keys.popFirst() else { return nil }
                return try transaction(session, context(until: deadline)) { connection in
                    try book.lines(of: part, &connection)
                }
            } while: {
                mayGoOn(session, &signed)
            }
        } catch is WaitCancelled where state.withLock({ $0.stopping }) == nil {
            return try write(.failed(.tooLong(step.plan.timeout)), order, session)
        } catch let error as ProgramFailure {
            return .failed("\(error)")
        }
        return try write(outcome, order, session)
    }

    /// Whether the program may go on: the topology does, and nobody else has taken it over.
    private func mayGoOn(_ session: PostgresSession, _ signed: inout ContinuousClock.Instant) -> Bool {
        let now = ContinuousClock.now
        if let since = state.withLock({ $0.stopping }), now - since > StepLimits.stopGrace { return false }
        guard now - signed >= StepLimits.sign else { return true }
        signed = now
        let isOurs = try? transaction(session, context(until: now + StepLimits.signTime)) { connection in
            try book.sign(&connection)
        }
        return isOurs ?? true
    }

    private func write(
        _ outcome: ProgramRun.Outcome, _ order: StepOrder, _ session: PostgresSession
    ) throws -> Outcome {
        // What has been done is written down, also while the topology ends.
        let context = context(beyondStopping: true)
        switch outcome {
        case .done:
            try transaction(session, context) { connection in try book.finish(order, &connection) }
            state.update { state in
                state.runs += 1
                state.commits = max(state.commits, order.last)
                state.done = max(state.done, order.last)
                state.hasNews = true
            }
            return .done
        case .failed(let failure):
            let epochs = order.first == order.last ? "epoch \(order.last)" : "epochs \(order.first) to \(order.last)"
            let reason = "\(step.plan.name) \(failure.text) (\(epochs))"
            state.update { $0.failures += 1 }
            try transaction(session, context) { connection in try book.fail(reason, &connection) }
            return .failed(reason)
        case .stopped:
            try transaction(session, context) { connection in try book.release(&connection) }
            guard state.withLock({ $0.stopping }) != nil else { return .taken }
            say(.notice, "The program after a commit was ended with the topology, and is run again", [:])
            return .stopped
        }
    }

    private func variables(_ order: StepOrder) -> [String: String] {
        let table = book.table.place.shown
        var variables = [
            "MILLRACE_TOPOLOGY": book.topology, "MILLRACE_NODE": node, "MILLRACE_TABLE": table,
            "MILLRACE_EPOCH_FIRST": "\(order.first)", "MILLRACE_EPOCH": "\(order.last)",
            "MILLRACE_KEY": "\(book.topology)/\(table)/\(order.first)-\(order.last)",
            "MILLRACE_TRY": "\(order.attempt)", "MILLRACE_ROWS": order.rows.rawValue,
        ]
        if order.positions.utf8.count <= StepLimits.positionsBytesMax {
            variables["MILLRACE_POSITIONS"] = order.positions
        }
        return variables
    }

    private func say(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        guard let leftOut = speech.admit() else { return }
        var metadata = metadata
        metadata["node"] = "\(node)"
        metadata["program"] = "\(step.plan.name)"
        metadata["table"] = "\(book.table.place.shown)"
        if leftOut > 0 { metadata["left_out_before"] = "\(leftOut)" }
        step.logger.log(level: level, message, metadata: metadata)
    }

    // MARK: - The database

    private func transaction<Result>(
        _ session: PostgresSession, _ context: CommitContext, _ body: (inout Connection) throws -> Result
    ) throws -> Result {
        try session.run(context) { connection, _ in
            try connection.begin(.positions)
            let result = try body(&connection)
            try connection.commit()
            return result
        }
    }

    /// How long the database is waited for: as long as the topology runs, and for a while at its end.
    /// - Parameter isBeyondStopping: whether what is written is still written when the topology is told to stop.
    private func context(
        until deadline: ContinuousClock.Instant? = nil, beyondStopping isBeyondStopping: Bool = false
    ) -> CommitContext {
        let atEnd = ContinuousClock.now + StepLimits.databaseAtEnd
        let isCancelled: @Sendable () -> Bool = { [state] in
            let now = ContinuousClock.now
            if let deadline, now >= deadline { return true }
            let (stopping, isFinishing) = state.withLock { ($0.stopping, $0.isFinishing) }
            if let stopping {
                return !isBeyondStopping || now >= stopping + StepLimits.stopGrace + StepLimits.stopWriting
            }
            return isFinishing && now >= atEnd
        }
        return CommitContext(
            isCancelled: isCancelled,
            reportTrouble: { [report] trouble in report(trouble.map { "after_commit waits for the database: \($0)" }) },
            wait: { [state] duration in
                _ = state.wait(timeout: duration) { _ in isCancelled() ? true : nil }
            })
    }
}

/// What was to be done after a commit was not, when the topology had ended.
package struct StepUndone: Error, CustomStringConvertible {
    let node: String
    let table: String
    let reason: String

    /// What it means for the user.
    package var description: String {
        "node \(node): everything is committed, and after_commit of \(table) was not done: \(reason); the next run does it"
    }
}
