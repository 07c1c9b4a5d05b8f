import Dataflow
import JSON
import Platform

/// Has the records of one batch answered by programs, several at once where there are several.
///
/// What a program has answered counts when its stretch is whole: one line for each record, and then silence. Of one that ended
/// before that nobody knows whether it had left a record out, unless its answers repeat the numbers of the records; so all
/// that it had in hand is tried again. Used by one thread.
final class ExecExchange {
    /// What became of a record.
    enum Fate {
        /// Its answer, as bytes of `answers`.
        case answer(Range<Int>)
        /// No program answers it.
        case givenUp(ExecFailure)
    }

    private let plan: ExecPlan
    private let pool: ProgramPool
    /// The lines of the records.
    private(set) var lines: RecordLines
    /// The answers of all records, in no order.
    private(set) var answers: [UInt8] = []
    /// By record.
    private(set) var fates: [Fate?] = []
    private var work = ExecWork(ends: [], recordsMax: 1, bytesMax: 1, attempts: 1)
    private var sessions: [ExecSession] = []
    private let numbers: AnswerNumbers?
    /// Whether a program wrote a line too many behind what it had answered of this batch: each stretch is listened to then.
    private var isWary = false

    init(_ plan: ExecPlan, _ pool: ProgramPool) {
        self.plan = plan
        self.pool = pool
        lines = RecordLines(plan.sent, echo: plan.echo)
        numbers = plan.echo.map { AnswerNumbers(field: $0) }
    }

    /// Bytes that it holds on to.
    var memoryBytes: Int { lines.memoryBytes + answers.capacity + fates.capacity * MemoryLayout<Fate?>.stride }

    /// Has the selected rows of a batch answered. Blocks until each is answered or given up.
    /// - Returns: false when the topology ends before that.
    func run(_ batch: Batch, _ rows: RowSelection) -> Bool {
        lines.write(batch, rows)
        answers.removeAll(keepingCapacity: true)
        fates = Array(repeating: nil, count: rows.count)
        isWary = false
        let isStream = plan.mode == .stream
        let share = (rows.count + pool.size - 1) / pool.size
        work = ExecWork(
            ends: lines.ends, recordsMax: max(1, min(isStream ? pool.handMax : ExecLimits.runMax, share)),
            bytesMax: isStream ? ExecLimits.handBytesMax : ExecLimits.runBytesMax, attempts: plan.attempts)
        defer {
            for session in sessions {
                _ = session.program.end()
                retire(session, nil)
            }
            pool.want(0, by: self)
        }
        // What is answered may be listened to yet.
        while !work.isDone || !sessions.isEmpty {
            guard takePrograms() else { return false }
            pool.want(work.waitingCount, by: self)
            guard !sessions.isEmpty else { continue }
            if !pool.isGood { withdraw() }
            PipedProgram.wait(
                for: sessions.map { ($0.program, $0.hasMore, $0.mayComplain) },
                timeout: sessions.compactMap(\.listensUntil).map { $0 - .now }.min() ?? ExecLimits.look)
            for session in sessions {
                guard settle(session, session.step(lines)) else { return false }
            }
        }
        return true
    }

    // MARK: - Programs

    /// Gets programs for what waits, as many as there are.
    private func takePrograms() -> Bool {
        while work.isWaiting {
            switch pool.lease(isPatient: sessions.isEmpty) {
            case .later: return true
            case .closed: return false
            case .program(let program, let isFresh):
                let session = ExecSession(program, plan, isFresh: isFresh) { [pool] in pool.complain($0) }
                if program.hasEnded {
                    retire(session, ExecFailure(program.end(), isOutOfMemory: false))
                    continue
                }
                guard let stretch = work.next() else { return true }
                session.take(stretch, of: lines)
                sessions.append(session)
            }
        }
        return true
    }

    /// The session is over.
    private func retire(_ session: ExecSession, _ failure: ExecFailure?) {
        let inHand = max(0, session.stretch.count - session.answers.count)
        pool.ended(session.program, failure, hasAnswered: session.hasAnswered, inHand: inHand)
        sessions.removeAll { $0 === session }
    }

    /// The permits of the programs at work may soon be another process's.
    private func withdraw() {
        for session in sessions {
            _ = session.program.end()
            // What has been answered of it is not worth a look: it is done again.
            if session.listensUntil == nil { work.returned(session.stretch) }
            retire(session, nil)
        }
    }

    // MARK: - Answers

    /// - Returns: false when the topology stops.
    private func settle(_ session: ExecSession, _ outcome: ExecSession.Outcome) -> Bool {
        switch outcome {
        case .going: return true
        case .answered:
            guard isRight(session) else { return settle(session, session.reject(.wrongRecord)) }
            accept(session, session.stretch.count)
            pool.note(session.stretch.count, took: .now - session.begun)
            // Numbers that are right say enough; otherwise the next lines would show it too, where there are some.
            if numbers == nil, isWary || !work.isWaiting || isOver { session.listen() } else { goOn(session) }
            return true
        case .quiet:
            goOn(session)
            return true
        case .ended(let failure): return conclude(session, failure)
        }
    }

    /// Whether others wait for a program, here or elsewhere.
    private var isOver: Bool { pool.isWanted && sessions.count > 1 || pool.isExceeded }

    /// Gives a session the next stretch, or its program back.
    private func goOn(_ session: ExecSession) {
        guard let next = isOver ? nil : work.next() else {
            sessions.removeAll { $0 === session }
            pool.giveBack(session.program)
            return
        }
        session.take(next, of: lines)
    }

    /// - Returns: false when the topology stops.
    private func conclude(_ session: ExecSession, _ failure: ExecFailure?) -> Bool {
        if let failure, failure != .tooManyAnswers, pool.wasWithdrawn(session.program) {
            if session.listensUntil == nil { work.returned(session.stretch) }
            retire(session, nil)
            return true
        }
        var failure = failure
        var accepted = 0
        switch failure {
        case nil: accepted = session.stretch.count
        case .exit, .signal, .timeout, .memory, .closedOutput:
            let isKnown = numbers != nil || session.answers.count == session.stretch.count
            if plan.mode == .stream, isKnown { accepted = session.answers.count }
        default: break
        }
        if accepted > 0, !isRight(session) { (accepted, failure) = (0, .wrongRecord) }
        accept(session, accepted)
        retire(session, failure)
        guard let failure else { return true }
        if failure == .tooManyAnswers { takeBack(session) }
        let rest = (session.stretch.lowerBound + accepted)..<session.stretch.upperBound
        guard let record = work.failed(rest, after: session.answers.count - accepted) else { return true }
        fates[record] = .givenUp(failure)
        return pool.gaveUp(failure)
    }

    /// A line too many may have come from anything that the program answered before it and was not listened to behind.
    private func takeBack(_ session: ExecSession) {
        guard numbers == nil else { return }
        isWary = true
        for stretch in session.finished {
            unanswer(stretch)
            work.returned(stretch)
        }
        if session.listensUntil != nil { unanswer(session.stretch) }
    }

    private func unanswer(_ stretch: Range<Int>) {
        for record in stretch { fates[record] = nil }
        work.unanswered(stretch.count)
    }

    /// Whether the answers are those of the records, as far as that can be told.
    private func isRight(_ session: ExecSession) -> Bool {
        numbers?.areRight(session.received, session.answers, from: session.stretch.lowerBound) ?? true
    }

    /// The first answers of a session are those of its first records.
    private func accept(_ session: ExecSession, _ count: Int) {
        guard count > 0 else { return }
        for (offset, line) in session.answers.prefix(count).enumerated() {
            let record = session.stretch.lowerBound + offset
            guard answers.count + line.count < ExecLimits.answersBytesMax else {
                fates[record] = .givenUp(.answersTooLong)
                continue
            }
            let start = answers.count
            answers += session.received[line]
            fates[record] = .answer(start..<answers.count)
        }
        work.answered(count)
        pool.answered()
    }
}
