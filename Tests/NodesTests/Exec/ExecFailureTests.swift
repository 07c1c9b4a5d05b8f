import Platform
import Testing

@testable import Nodes

/// Every end of a program has a name.
@Suite struct ExecFailureTests {
    @Test(arguments: [
        (ProgramExit.code(0), false, "exec_exit", "ended with exit code 0"),
        (.code(127), false, "exec_exit", "ended with exit code 127 (it, or something that it runs, is not there)"),
        (.signal(9), false, "exec_signal", "was ended by signal 9 (SIGKILL, from outside of Millrace)"),
        (.signal(9), true, "exec_out_of_memory", "was killed by the kernel (signal 9), which had no memory left"),
        // A count of the kernel's that has risen says nothing of other signals.
        (.signal(15), true, "exec_signal", "was ended by signal 15 (SIGTERM)"),
        (.signal(42), false, "exec_signal", "was ended by signal 42"),
    ])
    func anEndHasItsNameAndCode(exit: ProgramExit, isOutOfMemory: Bool, code: String, text: String) {
        let failure = ExecFailure(exit, isOutOfMemory: isOutOfMemory)
        #expect(failure.code == code && failure.text == text, "\(failure)")
    }
}
