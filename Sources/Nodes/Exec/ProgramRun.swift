import Dataflow
import Foundation
package import Platform

/// One run of a program that answers nothing: writes it its input, hears what it says, and watches over its limits.
package struct ProgramRun {
    /// What became of it.
    package enum Outcome: Equatable {
        case done
        case failed(ExecFailure)
        /// It was ended for it may not go on.
        case stopped
    }

    /// Its name, searched for in PATH, or a path; and its arguments.
    let command: [String]
    /// What its environment has beside this process's, or instead.
    let environment: [String: String]
    /// How long it may run.
    let timeout: Duration
    /// Resident bytes that it and its children may take; nil without a limit.
    let memoryMax: Int?
    let programGuard: ProgramGuard
    /// Gets what it writes to its outputs, line by line.
    let say: (String) -> Void

    package init(
        _ command: [String], environment: [String: String] = [:], timeout: Duration, memoryMax: Int? = nil,
        guardedBy programGuard: ProgramGuard, say: @escaping (String) -> Void
    ) {
        (self.command, self.environment, self.timeout) = (command, environment, timeout)
        (self.memoryMax, self.programGuard, self.say) = (memoryMax, programGuard, say)
    }

    /// Runs the program to its end.
    /// - Parameters:
    ///   - next: lines for its standard input, nil when there are no more. May block, until `deadline` at most.
    ///   - mayGoOn: asked some ten times a second.
    /// - Throws: `ProgramFailure` when it cannot be started; what `next` throws.
    package func run(
        _ next: (_ deadline: ContinuousClock.Instant) throws -> [UInt8]?, while mayGoOn: () -> Bool = { true }
    ) throws -> Outcome {
        let kernelKills = ProgramMemory.kernelKills
        let program = try PipedProgram(command, environment: environment, guardedBy: programGuard)
        defer { _ = program.end() }
        let deadline = ContinuousClock.now + timeout
        var input = Input()
        var ears = Ears(program)
        var lookedAt = ContinuousClock.now
        while true {
            if input.isEmpty, input.isOpen {
                if let more = try next(deadline) { input.put(more) } else { input.close(program) }
            }
            input.write(to: program)
            ears.listen(say)
            if program.hasEnded {
                ears.listenToTheEnd(say)
                let exit = program.end()
                let isOutOfMemory = exit == .signal(9) && ProgramMemory.kernelKills > kernelKills
                return exit == .code(0) ? .done : .failed(ExecFailure(exit, isOutOfMemory: isOutOfMemory))
            }
            let now = ContinuousClock.now
            if now >= deadline { return .failed(.tooLong(timeout)) }
            if now - lookedAt >= ExecLimits.look {
                lookedAt = now
                guard mayGoOn() else { return .stopped }
                if let limit = memoryMax, ProgramMemory.residentBytes(ofGroup: program.id) > limit {
                    return .failed(.memory(limit: limit))
                }
            }
            ears.wait(hasMore: !input.isEmpty)
        }
    }

    /// What the program is still to read.
    private struct Input {
        private var bytes: [UInt8] = []
        private var written = 0
        private(set) var isOpen = true

        var isEmpty: Bool { written == bytes.count }

        mutating func put(_ more: [UInt8]) { (bytes, written) = (more, 0) }

        mutating func close(_ program: PipedProgram) {
            isOpen = false
            (bytes, written) = ([], 0)
            program.closeInput()
        }

        /// Writes what the program takes. One that does not read gets no more.
        mutating func write(to program: PipedProgram) {
            while written < bytes.count {
                let transfer = unsafe bytes.withUnsafeBytes {
                    unsafe program.write(UnsafeRawBufferPointer(rebasing: $0[written...]))
                }
                switch transfer {
                case .bytes(let count): written += count
                case .nothing: return
                case .closed: close(program)
                }
            }
        }
    }

    /// Both outputs of the program, which end by themselves.
    private struct Ears {
        private let program: PipedProgram
        private var outputs: [(descriptor: Int32, isOpen: Bool, heard: [UInt8])]

        init(_ program: PipedProgram) {
            self.program = program
            outputs = [(program.output, true, []), (program.errors, true, [])]
        }

        mutating func wait(hasMore: Bool) {
            // An output that has ended would wake at once.
            guard outputs[0].isOpen else { return Thread.sleep(forTimeInterval: 0.01) }
            PipedProgram.wait(for: [(program, hasMore, outputs[1].isOpen)], timeout: ExecLimits.look)
        }

        mutating func listen(_ say: (String) -> Void) {
            for index in outputs.indices where outputs[index].isOpen {
                for _ in 0..<4 {
                    let transfer = program.read(outputs[index].descriptor, into: &outputs[index].heard, limit: 16_384)
                    if transfer == .closed { outputs[index].isOpen = false }
                    guard case .bytes = transfer else { break }
                }
                Self.cut(&outputs[index].heard, say)
            }
        }

        /// What it had still to say when it ended.
        mutating func listenToTheEnd(_ say: (String) -> Void) {
            for _ in 0..<16 { listen(say) }
            for index in outputs.indices where !outputs[index].heard.isEmpty {
                Self.tell(outputs[index].heard[...], say)
            }
        }

        private static func cut(_ heard: inout [UInt8], _ say: (String) -> Void) {
            while let end = heard.firstIndex(of: UInt8(ascii: "\n")) {
                tell(heard[..<end], say)
                heard.removeFirst(end + 1)
            }
            if heard.count > ExecLimits.complaintBytesMax {
                tell(heard[...], say)
                heard.removeAll()
            }
        }

        private static func tell(_ line: ArraySlice<UInt8>, _ say: (String) -> Void) {
            let text = String(decoding: line.prefix(ExecLimits.complaintBytesMax), as: UTF8.self)
            if !text.allSatisfy(\.isWhitespace) { say(text) }
        }
    }
}
