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
            giveUp(session)
        }
    }

    // MARK: - Answers

    /// - Returns: false when the topology stops.
    private func settle(_ session: ExecSession, _ outcome: ExecSession.Outcome) -> Bool {
        switch outcome {
        case .going: return true
        case .answered:
            guard let proven = proven(session) else { return settle(session, session.reject(.wrongRecord)) }
            accept(session, session.stretch.count)
            pool.note(session.stretch.count, took: .now - session.begun)
            session.unproven.append(session.stretch)
            if proven == session.stretch.count { prove(session) }
            if session.unproven.isEmpty {
                goOn(session)
            } else if !isWary, !isOver, let next = work.next() {
                // What it writes for that shows it too.
                session.take(next, of: lines)
            } else {
                session.listen()
            }
            return true
        case .quiet:
            prove(session)
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
        if failure != nil, pool.wasWithdrawn(session.program) {
            giveUp(session)
            return true
        }
        guard var failure else {
            accept(session, session.stretch.count)
            pool.answered()
            retire(session, nil)
            return true
        }
        let isInHand = session.unproven.last != session.stretch
        if !isInHand, failure.isEnd, session.stretch.count == 1, session.unproven.count == 1 {
            // It ends after each answer.
            prove(session)
            retire(session, failure)
            return true
        }
        let accepted = isInHand ? provenAtEnd(session, &failure) : 0
        accept(session, accepted)
        if accepted > 0 { prove(session) }
        let strayed = session.hasStrayed
        if strayed { pool.tellStray() }
        // Where a line is too many, the record in hand is one of those that it may be about, unless it came before that.
        takeBack(session, blamed: strayed ? nil : session.stretch)
        retire(session, failure)
        let rest = (session.stretch.lowerBound + accepted)..<session.stretch.upperBound
        guard !strayed else {
            work.returned(rest)
            return true
        }
        guard let record = work.failed(rest, after: session.answers.count - accepted) else { return true }
        fates[record] = .givenUp(failure)
        return pool.gaveUp(failure)
    }

    /// How many answers of a program that has failed count all the same: those that numbers prove, or the answer to a record
    /// that it had alone. A line for each of several does not prove them: it may have doubled one, and died of another.
    private func provenAtEnd(_ session: ExecSession, _ failure: inout ExecFailure) -> Int {
        guard plan.mode == .stream else { return 0 }
        switch failure {
        case .exit, .signal, .timeout, .memory, .closedOutput:
            guard let proven = proven(session) else {
                failure = .wrongRecord
                return 0
            }
            let isAlone = session.stretch.count == 1 && session.answers.count == 1 && session.unproven.isEmpty
            return isAlone ? 1 : proven
        default: return 0
        }
    }

    /// How many of the answers are proven to be those of their records; none without numbers.
    /// - Returns: nil when one is another record's.
    private func proven(_ session: ExecSession) -> Int? {
        guard let numbers else { return 0 }
        return numbers.proven(session.received, session.answers, from: session.stretch.lowerBound)
    }

    /// What the session has answered are the answers of its records.
    private func prove(_ session: ExecSession) {
        session.unproven.removeAll()
        pool.answered()
    }

    /// What is not proven of a session's answers is done again, each stretch listened to behind.
    /// - Parameter blamed: a stretch that is not to be done again as it is.
    private func takeBack(_ session: ExecSession, blamed: Range<Int>?) {
        guard !session.unproven.isEmpty else { return }
        isWary = true
        for stretch in session.unproven {
            for record in stretch { fates[record] = nil }
            work.unanswered(stretch.count)
            if stretch != blamed { work.returned(stretch) }
        }
        session.unproven.removeAll()
    }

    /// Ends a session without any blame: what is not proven is done again.
    private func giveUp(_ session: ExecSession) {
        if session.unproven.last != session.stretch { work.returned(session.stretch) }
        takeBack(session, blamed: nil)
        retire(session, nil)
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
    }
}
