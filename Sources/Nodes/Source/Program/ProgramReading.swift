import Dataflow
import Platform

/// One run of a source's program, from its start to its end.
final class ProgramReading {
    /// Why reading ended.
    enum Outcome {
        /// The program has ended with 0, and all that it has written is handed over.
        case ended
        case failed(ExecFailure)
        /// It did not begin with what was read before.
        case strayed(String)
        case rewind, stopping
    }

    /// Up to where lines were handed over.
    private(set) var place: ProgramPlace
    private let plan: ProgramPlan
    private let partition: Int
    private let memory: MemoryAccountant
    private let say: (String) -> Void
    private var lines: LineBuffer
    private var drawn = 0
    /// Of a program that repeats itself, what it has repeated so far; nil when all of it was.
    private var repeated: ProgramPlace?
    /// Whether the first line is the last one that was read before.
    private var isLastExpected: Bool
    private var batch: Batch?
    private var begunAt = ContinuousClock.now
    private var begunFrom: Int64 = 0
    private var complaints: [UInt8] = []
    private var mayComplain = true

    /// - Parameters:
    ///   - place: up to where lines were handed over before.
    ///   - say: gets what it writes to standard error, line by line.
    init(
        _ plan: ProgramPlan, from place: ProgramPlace, partition: Int, recordBytesMax: Int, memory: MemoryAccountant,
        say: @escaping (String) -> Void
    ) {
        self.plan = plan
        self.place = place
        self.partition = partition
        self.memory = memory
        self.say = say
        lines = LineBuffer(lineBytesMax: recordBytesMax)
        repeated = plan.restart == .repeats && place.next > 0 ? ProgramPlace() : nil
        isLastExpected = plan.restart == .resumes && place.next > 0
    }

    deinit { memory.draw(-drawn, for: .batches) }

    /// Reads until the program ends, or until nobody wants more.
    /// - Throws: `ProgramFailure` when the system starts no program.
    func run(_ intake: Intake, variables: [String: String], _ programGuard: ProgramGuard) throws -> Outcome {
        let kernelKills = ProgramMemory.kernelKills
        let program = try PipedProgram(
            plan.command, environment: plan.environment.merging(variables) { _, ours in ours }, guardedBy: programGuard)
        program.closeInput()
        defer {
            _ = program.end()
            if let batch { intake.recycle(batch) }
        }
        var lookedAt = ContinuousClock.now
        var hasEnded = false
        while true {
            if intake.needsRewind { return .rewind }
            if intake.isStopping {
                submit(intake)
                return .stopping
            }
            // What is read waits for a batch; so does the program, when its pipe is full.
            switch try takeLines(intake) {
            case .all: break
            case .some: continue
            case .strayed(let what): return .strayed(what)
            }
            if hasEnded { return conclude(program, intake, kernelKills) }
            hasEnded = program.read(program.output, into: &lines.bytes) == .closed
            account()
            hear(program)
            if let batch, !batch.messages.isEmpty, .now - begunAt >= Limits.batchLinger { submit(intake) }
            let now = ContinuousClock.now
            if now - lookedAt >= ExecLimits.look {
                lookedAt = now
                if let limit = plan.memoryMax, ProgramMemory.residentBytes(ofGroup: program.id) > limit {
                    submit(intake)
                    return .failed(.memory(limit: limit))
                }
                // Something that it has started may hold its output open.
                if program.hasEnded, !hasEnded { hasEnded = drain(program) }
            }
            if !hasEnded {
                let patience = batch?.messages.isEmpty ?? true ? ExecLimits.look : Limits.batchLinger
                PipedProgram.wait(for: [(program, false, mayComplain)], timeout: patience)
            }
        }
    }

    /// Reads what an ended program has left in its pipe, as far as one look goes.
    /// - Returns: whether that was all.
    private func drain(_ program: PipedProgram) -> Bool {
        if case .bytes = program.read(program.output, into: &lines.bytes) { return false }
        return true
    }

    private func conclude(_ program: PipedProgram, _ intake: Intake, _ kernelKills: Int) -> Outcome {
        let limit = ContinuousClock.now + ExecLimits.exitGrace
        while !program.hasEnded, .now < limit { PipedProgram.pause() }
        let isLate = !program.hasEnded
        hear(program)
        let exit = program.end()
        if !complaints.isEmpty { tell(complaints[...]) }
        if isLate || exit != .code(0) {
            // A line without an end may be the beginning of another one.
            submit(intake)
            let isOutOfMemory = exit == .signal(9) && ProgramMemory.kernelKills > kernelKills
            return .failed(isLate ? .closedOutput : ExecFailure(exit, isOutOfMemory: isOutOfMemory))
        }
        if let rest = lines.rest() {
            while batch == nil, !intake.needsRewind, !intake.isStopping { batch = makeBatch(intake) }
            if intake.needsRewind { return .rewind }
            if batch == nil { return .stopping }
            if let what = take(rest) { return .strayed(what) }
        }
        if let repeated {
            return .strayed("ended after \(repeated.next) lines, and \(place.next) were read of it before")
        }
        if isLastExpected { return .strayed("ended without line \(place.next - 1), the last one that was read before") }
        submit(intake)
        return .ended
    }

    // MARK: - Lines

    private enum Taking {
        case all, some
        case strayed(String)
    }

    /// Takes the lines that are there, as far as there are batches.
    private func takeLines(_ intake: Intake) throws -> Taking {
        while true {
            if batch == nil { batch = makeBatch(intake) }
            guard let batch else { return .some }
            guard let line = lines.next() else { return .all }
            if let what = take(line) { return .strayed(what) }
            if batch.isOutOfMessages || batch.room < 4_096 { submit(intake) }
        }
    }

    private func makeBatch(_ intake: Intake) -> Batch? {
        let batch = intake.makeBatch(timeout: .milliseconds(100))
        batch?.framing = .document
        begunFrom = place.next
        return batch
    }

    /// Takes one line.
    /// - Returns: what is wrong when it is not the line that must stand here.
    private func take(_ range: Range<Int>) -> String? {
        unsafe lines.bytes.withUnsafeBytes { bytes -> String? in
            let line = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
            if var repeated {
                unsafe repeated.pass(line)
                self.repeated = repeated
                guard repeated.next == place.next else { return nil }
                self.repeated = nil
                guard repeated.agrees(with: place) else {
                    return "does not repeat itself: its first \(place.next) lines are not those that were read before"
                }
                // What was not known of them is now.
                place = repeated
                begunFrom = place.next
                return nil
            }
            if isLastExpected {
                isLastExpected = false
                return unsafe place.ends(with: line)
                    ? nil
                    : "does not go on where it was: its first line is not line \(place.next - 1), which was read last"
            }
            let isBlank = unsafe line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            if let batch, !isBlank {
                if batch.messages.isEmpty { begunAt = .now }
                unsafe batch.append(line, offset: place.next, timestamp: nil)
            }
            unsafe place.pass(line)
            return nil
        }
    }

    /// Hands over what was taken.
    private func submit(_ intake: Intake) {
        guard let batch else { return }
        self.batch = nil
        guard place.next > begunFrom else { return intake.recycle(batch) }
        batch.runs = [
            BatchRun(
                partition: partition, from: begunFrom, messages: 0..<batch.messages.count, tombstones: 0,
                nextOffset: place.next, tail: place.tail)
        ]
        intake.submit(batch)
    }

    /// Draws what is held from the memory account.
    private func account() {
        let held = lines.bytes.capacity
        memory.draw(held - drawn, for: .batches)
        drawn = held
    }

    // MARK: - Standard error

    private func hear(_ program: PipedProgram) {
        for _ in 0..<4 where mayComplain {
            let transfer = program.read(program.errors, into: &complaints, limit: 4_096)
            if transfer == .closed { mayComplain = false }
            guard case .bytes = transfer else { break }
        }
        while let end = complaints.firstIndex(of: UInt8(ascii: "\n")) {
            tell(complaints[..<end])
            complaints.removeFirst(end + 1)
        }
        if complaints.count > ExecLimits.complaintBytesMax {
            tell(complaints[...])
            complaints.removeAll()
        }
    }

    private func tell(_ line: ArraySlice<UInt8>) {
        let text = String(decoding: line.prefix(ExecLimits.complaintBytesMax), as: UTF8.self)
        if !text.allSatisfy(\.isWhitespace) { say(text) }
    }
}
