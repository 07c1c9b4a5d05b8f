import Platform

/// Why a program did not answer what it was given.
package enum ExecFailure: Hashable, Sendable {
    /// It ended by itself.
    case exit(Int32)
    /// A signal that nobody here has sent ended it.
    case signal(Int32, isOutOfMemory: Bool)
    /// It said nothing for so long, and was killed.
    case timeout(Duration)
    /// It ran for longer than that, and was killed.
    case tooLong(Duration)
    /// It took more than so many bytes of memory, and was killed. How many more is chance, and stands in no dead letter.
    case memory(limit: Int)
    /// It closed its output and went on, and was killed.
    case closedOutput
    /// It wrote more lines than it was given.
    case tooManyAnswers
    /// It wrote fewer lines than it was given: so many of so many.
    case tooFewAnswers(Int, of: Int)
    /// It wrote a line without an end.
    case answerTooLong
    /// It answered another record than the one it was asked.
    case wrongRecord
    /// What it answered the records of a batch takes more memory than that of a batch may.
    case answersTooLong

    init(_ exit: ProgramExit, isOutOfMemory: Bool) {
        switch exit {
        case .code(let code): self = .exit(code)
        case .signal(let number): self = .signal(number, isOutOfMemory: number == 9 && isOutOfMemory)
        }
    }

    /// A short name, for dead letters.
    var code: String {
        switch self {
        case .exit: "exec_exit"
        case .signal(_, true): "exec_out_of_memory"
        case .signal: "exec_signal"
        case .timeout, .tooLong: "exec_timeout"
        case .memory: "exec_memory"
        case .closedOutput, .tooManyAnswers, .tooFewAnswers, .answerTooLong, .wrongRecord, .answersTooLong:
            "exec_answer"
        }
    }

    /// Whether it ended by itself.
    var isEnd: Bool {
        switch self {
        case .exit, .signal: true
        default: false
        }
    }

    /// Whether a record is not tried again for it.
    var isOfOneTry: Bool { self == .answersTooLong }

    /// What happened, as the end of "the program …".
    package var text: String {
        switch self {
        case .exit(let code): "ended with exit code \(code)\(Self.meaning(of: code))"
        case .signal(_, true): "was killed by the kernel (signal 9), which had no memory left"
        case .signal(let number, false): "was ended by signal \(number)\(Self.name(of: number))"
        case .timeout(let limit): "said nothing for \(limit) and was killed"
        case .tooLong(let limit): "took longer than its limit of \(limit) and was killed"
        case .memory(let limit): "took more memory than its limit of \(limit >> 20) MiB, and was killed"
        case .closedOutput: "closed its standard output and went on, and was killed"
        case .tooManyAnswers: "wrote more lines than it was given records, expected one line for each"
        case .tooFewAnswers(let count, let of):
            "wrote \(count) lines for \(of) records, expected one for each; null for one that is to go no further"
        case .answerTooLong:
            "wrote a line of more than \(ExecLimits.answerBytesMax >> 20) MiB"
        case .wrongRecord: "answered with the number of another record"
        case .answersTooLong:
            "answered the records read together with more than \(ExecLimits.answersBytesMax >> 20) MiB"
        }
    }

    private static func meaning(of code: Int32) -> String {
        switch code {
        case 126: " (it may not be run)"
        case 127: " (it, or something that it runs, is not there)"
        default: ""
        }
    }

    private static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
            9: "SIGKILL, from outside of Millrace", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
            24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
        ]
        return names[signal].map { " (\($0))" } ?? ""
    }
}

/// What stops a topology because of a program.
struct ExecError: Error, CustomStringConvertible {
    let description: String
}
