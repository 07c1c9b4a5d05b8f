import Dataflow
import Foundation
import Logging
import Platform

/// The programs of one `exec` node: at most so many at once, started when they are needed, with a pause after those that end
/// without having answered anything.
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

        var count: Int { idle.count + used.count + starting }
    }

    let plan: ExecPlan
    private let limit: Int
    private let logger: Logger
    private let speech = Throttle()
    private let state = Monitor(State())

    init(_ plan: ExecPlan, limit: Int, logger: Logger) {
        self.plan = plan
        self.limit = limit
        self.logger = logger
    }

    func begin(in context: NodeContext) { state.update { $0.context = context } }

    /// How many programs there may be at once.
    var size: Int { limit }

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
            if let program = state.idle.popLast() {
                state.used.append(program)
                return .take(program)
            }
            guard state.count < limit, .now >= state.startsAfter else { return nil }
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
            return .closed
        } catch {
            state.update { state in
                state.starting -= 1
                state.pause()
            }
            trouble("\(error)")
            return .later
        }
    }

    /// A program may be used by others.
    func giveBack(_ program: PipedProgram) {
        let isClosed = state.update { state in
            state.used.removeAll { $0 === program }
            if !state.isClosed { state.idle.append(program) }
            return state.isClosed
        }
        if isClosed { _ = program.end() }
    }

    /// A program has ended, and was waited for.
    /// - Parameters:
    ///   - failure: why, nil when it was its time to end.
    ///   - hasAnswered: whether it had answered anything.
    ///   - inHand: records that it had not answered.
    func ended(_ program: PipedProgram, _ failure: ExecFailure?, hasAnswered: Bool, inHand: Int) {
        let (silent, isClosed) = state.update { state in
            state.used.removeAll { $0 === program }
            if failure != nil, !hasAnswered { state.pause() }
            return (state.silentEnds, state.isClosed)
        }
        guard let failure, !isClosed else { return }
        say(
            .warning, "A program of a node has ended, and is started again",
            ["reason": "it \(failure.text)", "records_in_hand": "\(inHand)"])
        if silent > 1 { trouble("\(plan.name) \(failure.text); \(silent) times in a row without an answer") }
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
            defer { (state.idle, state.programGuard) = ([], nil) }
            return (state.idle, state.used, state.programGuard)
        }
        for program in used { program.kill() }
        for program in idle { program.closeInput() }
        let end = ContinuousClock.now + ExecLimits.exitGrace
        while idle.contains(where: { !$0.hasEnded }), .now < end { Thread.sleep(forTimeInterval: 0.002) }
        for program in idle { _ = program.end() }
        programGuard?.close()
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
