package import Dataflow
import Logging
import Platform
import Synchronization

/// The `exec` node as a source: lines of JSON that a program writes. A line's position is its number, from 0.
///
/// Nothing that a program has written can be read again but by running it again. So what was read is compared each time:
/// a program that does not go on where it was stops the topology, and nothing is counted twice or left out.
package final class ProgramSource: Source {
    let plan: ProgramPlan
    private let topology: String
    private let recordBytesMax: Int
    private let memory: MemoryAccountant
    private let logger: Logger
    private let speech = Throttle()
    private let trouble = Mutex<String?>(nil)

    /// Creates a source; starts nothing before it runs.
    /// - Parameters:
    ///   - recordBytesMax: the longest line that can be a record; of a longer one no more is kept.
    ///   - memory: what is read is drawn from it.
    init(
        _ plan: ProgramPlan, topology: String, recordBytesMax: Int, memory: MemoryAccountant, logger: Logger
    ) {
        self.plan = plan
        self.topology = topology
        self.recordBytesMax = recordBytesMax
        self.memory = memory
        self.logger = logger
    }

    package var status: SourceStatus { SourceStatus(trouble: trouble.withLock { $0 }) }

    package func close(_ intake: Intake) {}

    package func run(_ intake: Intake) throws {
        try ProgramSearch.check(plan.command, plan.environment, of: plan.node)
        var (index, place) = try begin(intake.claim([plan.key]), intake)
        let programGuard = try ProgramGuard()
        defer { programGuard.close() }
        var failures = 0
        while !intake.isStopping {
            let reading = ProgramReading(
                plan, from: place, partition: index, recordBytesMax: recordBytesMax, memory: memory
            ) { self.say(.notice, "A program says", ["text": "\($0)"]) }
            let outcome = try reading.run(intake, variables: variables(place), programGuard)
            failures = reading.place.next > place.next ? 0 : failures
            place = reading.place
            switch outcome {
            case .stopping: return
            case .ended where settle(intake): return
            case .ended, .rewind: (index, place) = try begin(intake.reclaim().owned, intake)
            case .failed(let failure):
                failures += 1
                try tell(failure, failures, place, intake)
            case .strayed(let what): throw mismatch(what)
            }
        }
    }

    /// Where reading goes on.
    /// - Throws: `SourceError` when the position is another instance's.
    private func begin(
        _ claimed: [(index: Int, partition: ClaimedPartition)], _ intake: Intake
    ) throws -> (Int, ProgramPlace) {
        guard let (index, partition) = claimed.first else {
            throw SourceError(
                code: .takenOver,
                description:
                    "node \(plan.node): another instance of this topology runs \(plan.name) and has taken over its "
                    + "position; a program is read by one instance")
        }
        if partition.nextOffset == nil { try intake.begin([(index, 0)]) }
        return (index, ProgramPlace(next: partition.nextOffset ?? 0, tail: partition.tail))
    }

    /// Has everything committed. False when it is to be read again.
    private func settle(_ intake: Intake) -> Bool {
        while !intake.isStopping {
            if intake.needsRewind { return false }
            if intake.flush(within: .seconds(5)) { return !intake.needsRewind }
        }
        return !intake.needsRewind
    }

    private func variables(_ place: ProgramPlace) -> [String: String] {
        let first = plan.restart == .repeats ? 0 : max(0, place.next - 1)
        return ["MILLRACE_TOPOLOGY": topology, "MILLRACE_NODE": plan.node, "MILLRACE_POSITION": "\(first)"]
    }

    /// Says that the program has failed, and waits before it is run again.
    /// - Throws: `ExecError` when it has failed so often that it does not pass.
    private func tell(_ failure: ExecFailure, _ failures: Int, _ place: ProgramPlace, _ intake: Intake) throws {
        guard failures < ExecLimits.sourceFailuresMax else {
            throw ExecError(
                description:
                    "node \(plan.node): \(plan.name) \(failure.text), \(failures) times in a row without a line behind "
                    + "line \(place.next); mend it and start the topology again")
        }
        say(
            .warning, "The program of a source has failed, and is run again",
            ["reason": "it \(failure.text)", "lines": "\(place.next)"])
        trouble.withLock { $0 = "\(plan.node): \(plan.name) \(failure.text); it is run again" }
        defer { trouble.withLock { $0 = nil } }
        let pause = ExecLimits.pauseFirst * (1 << failures)
        let end = ContinuousClock.now + min(pause, ExecLimits.pauseLongest)
        while .now < end, !intake.isStopping, !intake.needsRewind { PipedProgram.pause() }
    }

    private func mismatch(_ what: String) -> SourceError {
        SourceError(
            code: .tailMismatch,
            description:
                "node \(plan.node): \(plan.name) \(what), so records would be counted twice or left out; is it another "
                + "program, or are its lines others now? To read it from its start, so that what was counted before counts "
                + "again, run UPDATE millrace.partitions SET next_offset = 0, \(ClaimedPartition.forgetting) WHERE topology = "
                + "'\(topology)' AND topic = '\(plan.key.topic.replacing("'", with: "''"))'")
    }

    private func say(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        guard let leftOut = speech.admit() else { return }
        var metadata = metadata
        metadata["node"] = "\(plan.node)"
        metadata["program"] = "\(plan.name)"
        if leftOut > 0 { metadata["left_out_before"] = "\(leftOut)" }
        logger.log(level: level, message, metadata: metadata)
    }
}
