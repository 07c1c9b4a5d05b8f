import Dataflow
import Foundation
import Logging
import Platform

/// The programs of one `exec` node: at most so many at once, started when they are needed, with a pause after those that end
/// without having answered anything. Where a gate shares permits with other processes, each program has one as long as it
/// lives, at work or not.
final class ProgramPool: Sendable {
    /// What whoever wants a program gets.
    enum Lease {
        case program(PipedProgram, isFresh: Bool)
        /// None now: all are in use, or the next one is started after a pause.
        case later
        /// None any more: the topology ends.
        case closed
    }

    fileprivate struct State {
        var idle: [PipedProgram] = []
        var used: [PipedProgram] = []
        /// Programs that are being started.
        var starting = 0
        /// Programs that are being ended, and have nothing to do.
        var ending = 0
        var waiting = 0
        var isClosed = false
        var programGuard: ProgramGuard?
        /// Ends of programs that had answered nothing, since something was answered last.
        var silentEnds = 0
        var startsAfter = ContinuousClock.now
        var hasAnswered = false
        /// Records given up since something was answered last.
        var givenUp = 0
        var context: NodeContext?
        var isTroubled = false
        /// Stretches that wait for a program, by who has them.
        var wanted: [ObjectIdentifier: Int] = [:]
        /// Programs that were killed because their permits ended.
        var withdrawn: Set<ObjectIdentifier> = []
        /// How long a record takes, in seconds; nil while that is not known.
        var pace: Double?

        var count: Int { idle.count + used.count + starting + ending }
    }

    let plan: ExecPlan
    private let limit: Int
    private let gate: PermitGate?
    private let logger: Logger
    private let speech = Throttle()
    private let state = Monitor(State())

    /// - Parameters:
    ///   - limit: how many programs there may be at once in this process.
    ///   - gate: says how many of these it may have now; nil when there is nobody to share with.
    init(_ plan: ExecPlan, limit: Int, gate: PermitGate? = nil, logger: Logger) {
        self.plan = plan
        self.limit = limit
        self.gate = gate
        self.logger = logger
    }

    func begin(in context: NodeContext) {
        state.update { $0.context = context }
        gate?.onNews { [weak self] in self?.share() }
        gate?.onEnd { [weak self] in self?.withdraw() }
    }

    /// How many programs there may be at once.
    var size: Int { gate?.size ?? limit }

    /// Whether somebody waits for a program.
    var isWanted: Bool { state.withLock { $0.waiting > 0 } }

    // MARK: - Having programs

    /// A program that nobody else uses, started if need be.
    /// - Parameter isPatient: whether to wait for one, for a while; whoever has one already does not.
    func lease(isPatient: Bool) -> Lease {
        if isPatient { state.update { $0.waiting += 1 } }
        defer { if isPatient { state.update { $0.waiting -= 1 } } }
        enum Step { case take(PipedProgram), start(ProgramGuard?), closed }
        let step = state.wait(timeout: isPatient ? ExecLimits.look : .zero) { state -> Step? in
            if state.isClosed { return .closed }
            // Who has one already leaves the next to who has none.
            if !isPatient, state.waiting > 0 { return nil }
            if !state.idle.isEmpty, gate?.excess ?? 0 == 0 {
                let program = state.idle.removeLast()
                state.used.append(program)
                tell(state)
                return .take(program)
            }
            guard state.count < size, .now >= state.startsAfter, gate?.take() ?? true else { return nil }
            state.starting += 1
            return .start(state.programGuard)
        }
        switch step {
        case .take(let program): return .program(program, isFresh: false)
        case .start(let programGuard): return start(programGuard)
        case .closed: return .closed
        case nil: return .later
        }
    }

    private func start(_ programGuard: ProgramGuard?) -> Lease {
        do {
            let programGuard = try programGuard ?? ProgramGuard()
            let program = try PipedProgram(plan.command, environment: plan.environment, guardedBy: programGuard)
            let isClosed = state.update { state in
                state.starting -= 1
                if state.programGuard == nil { state.programGuard = programGuard }
                if !state.isClosed { state.used.append(program) }
                return state.isClosed
            }
            guard isClosed else { return .program(program, isFresh: true) }
            _ = program.end()
            gate?.giveBack()
            return .closed
        } catch {
            state.update { state in
                state.starting -= 1
                state.pause()
            }
            gate?.giveBack()
            trouble("\(error)")
            return .later
        }
    }

    /// A program may be used by others.
    func giveBack(_ program: PipedProgram) {
        let isOver = state.update { state in
            state.used.removeAll { $0 === program }
            let isOver = state.isClosed || isExceeded
            if isOver { state.ending += 1 } else { state.idle.append(program) }
            tell(state)
            return isOver
        }
        // Others wait for its permit.
        if isOver { end([program]) }
    }

    /// A program has ended, and was waited for.
    /// - Parameters:
    ///   - failure: why, nil when it was its time to end.
    ///   - hasAnswered: whether it had answered anything.
    ///   - inHand: records that it had not answered.
    func ended(_ program: PipedProgram, _ failure: ExecFailure?, hasAnswered: Bool, inHand: Int) {
        let (silent, isClosed) = state.update { state in
            state.used.removeAll { $0 === program }
            state.withdrawn.remove(ObjectIdentifier(program))
            if failure != nil, !hasAnswered { state.pause() }
            return (state.silentEnds, state.isClosed)
        }
        gate?.giveBack()
        guard let failure, !isClosed else { return }
        say(
            .warning, "A program of a node has ended, and is started again",
            ["reason": "it \(failure.text)", "records_in_hand": "\(inHand)"])
        if silent > 1 { trouble("\(plan.name) \(failure.text); \(silent) times in a row without an answer") }
    }

    // MARK: - Sharing

    /// Whether this process has more programs than its share.
    var isExceeded: Bool { gate.map { $0.excess > 0 } ?? false }

    /// Whether what is at work may go on: otherwise its permits may soon be another process's.
    var isGood: Bool { gate?.isGood ?? true }

    /// So many stretches of a batch wait for programs.
    func want(_ count: Int, by exchange: ExecExchange) {
        guard gate != nil else { return }
        state.withLock { state in
            state.wanted[ObjectIdentifier(exchange)] = count == 0 ? nil : count
            tell(state)
        }
    }

    /// Tells the gate how many programs have nothing to do, and how many more could have something to do.
    private func tell(_ state: State) {
        gate?.note(idle: state.idle.count + state.ending, unmet: state.wanted.values.reduce(0, +))
    }

    /// More or fewer programs may be there than before: those that have nothing to do are the first to end.
    private func share() {
        guard let gate else { return }
        let over = state.update { state in
            let over = Array(state.idle.suffix(min(state.idle.count, gate.excess)))
            state.idle.removeLast(over.count)
            state.ending += over.count
            return over
        }
        if !over.isEmpty { end(over) }
    }

    /// Nothing may be at work any more. What programs had in hand is done again by others, without any blame.
    private func withdraw() {
        let used = state.withLock { state in
            state.withdrawn.formUnion(state.used.map(ObjectIdentifier.init))
            return state.used
        }
        for program in used { program.kill() }
    }

    /// Whether a program that is at its end was killed because its permit had ended.
    func wasWithdrawn(_ program: PipedProgram) -> Bool {
        state.withLock { $0.withdrawn.contains(ObjectIdentifier(program)) }
    }

    /// Records were answered by one program, in so long a time.
    func note(_ records: Int, took time: Duration) {
        guard gate != nil, records > 0 else { return }
        let pace = time / .seconds(1) / Double(records)
        state.withLock { $0.pace = $0.pace.map { ($0 + pace) / 2 } ?? pace }
    }

    /// The most records that a program should have in hand: where others wait for permits, those that it answers soon.
    var handMax: Int {
        guard gate != nil else { return ExecLimits.handMax }
        let pace = state.withLock { $0.pace }
        guard let pace else { return ExecLimits.handFirst }
        return max(1, Int(min(Double(ExecLimits.handMax), ExecLimits.handTime / .seconds(1) / max(pace, 1e-6))))
    }

    // MARK: - How they do

    /// Records were answered.
    func answered() {
        let context = state.update { state in
            (state.silentEnds, state.givenUp, state.hasAnswered) = (0, 0, true)
            state.startsAfter = .now
            defer { state.isTroubled = false }
            return state.isTroubled ? state.context : nil
        }
        context?.report(nil)
    }

    /// A record was given up. When it is one after the other, it is not the records that are broken.
    /// - Returns: false when the topology stops for that.
    func gaveUp(_ failure: ExecFailure) -> Bool {
        let (context, reason) = state.update { state -> (NodeContext?, String?) in
            state.givenUp += 1
            if case .exit(126...127) = failure, !state.hasAnswered { return (state.context, "it cannot be run") }
            guard state.givenUp >= ExecLimits.givenUpInARowMax else { return (nil, nil) }
            return (state.context, "\(state.givenUp) records one after the other had no answer")
        }
        guard let reason else { return true }
        var advice = "mend it and start the topology again; nothing that it did not answer is lost"
        if case .timeout = failure, plan.mode == .stream {
            advice += "; does it write each line at once (jq --unbuffered, python3 -u)? If not, set mode: batch"
        }
        context?.fail(
            ExecError(description: "node \(plan.node): \(reason): \(plan.name) \(failure.text); \(advice)"))
        return false
    }

    private func trouble(_ text: String) {
        let context = state.update { state in
            state.isTroubled = true
            return state.context
        }
        context?.report(text)
    }

    /// A program wrote a line behind all that it was asked, and was not waited for any more.
    func tellStray() {
        say(
            .error, "A program wrote a line that answers no record; what it answered last may be the answers of others",
            ["hint": "it is to write one line for each; with echo: each is known by its number (docs/programs.md)"])
    }

    /// Logs what a program wrote to its standard error.
    func complain(_ line: String) { say(.notice, "A program says", ["text": "\(line)"]) }

    private func say(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        guard let leftOut = speech.admit() else { return }
        var metadata = metadata
        metadata["node"] = "\(plan.node)"
        metadata["program"] = "\(plan.name)"
        if leftOut > 0 { metadata["left_out_before"] = "\(leftOut)" }
        logger.log(level: level, message, metadata: metadata)
    }

    // MARK: - The end

    /// Ends all programs: those that wait for work in good order, others at once.
    func close() {
        let (idle, used, programGuard) = state.update { state in
            state.isClosed = true
            state.context = nil
            state.ending += state.idle.count
            defer { (state.idle, state.programGuard) = ([], nil) }
            return (state.idle, state.used, state.programGuard)
        }
        for program in used { program.kill() }
        end(idle)
        programGuard?.close()
    }

    /// Ends programs that have nothing to do: in good order, or after a while.
    private func end(_ programs: [PipedProgram]) {
        for program in programs { program.closeInput() }
        let end = ContinuousClock.now + ExecLimits.exitGrace
        while programs.contains(where: { !$0.hasEnded }), .now < end { Thread.sleep(forTimeInterval: 0.002) }
        for program in programs {
            _ = program.end()
            gate?.giveBack()
        }
        state.update { state in
            state.ending -= programs.count
            tell(state)
        }
    }
}

extension ProgramPool.State {
    /// The next program is started after a pause, longer each time.
    fileprivate mutating func pause() {
        silentEnds += 1
        let pause = ExecLimits.pauseFirst * (1 << min(silentEnds - 1, 10))
        startsAfter = .now + min(pause, ExecLimits.pauseLongest)
    }
}
