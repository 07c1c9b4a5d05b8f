import Glibc
import Synchronization

/// Both ends of a pipe that no other program inherits.
package struct PrivatePipe {
    /// The ends, each above the descriptors that a program is given.
    package let reading: Int32
    package let writing: Int32

    /// - Throws: `ProgramFailure` when the system has none left.
    package init() throws(ProgramFailure) {
        let made = Spawn.alone.withLock { _ -> Result<[Int32], ProgramFailure> in
            var ends: [Int32] = [-1, -1]
            guard unsafe pipe(&ends) == 0 else {
                return .failure(ProgramFailure(what: "there is no pipe", errno: errno))
            }
            return .success(ends.map(Self.lifted))
        }
        let ends = try made.get()
        (reading, writing) = (ends[0], ends[1])
    }

    /// A descriptor that is none of those which a program is given.
    static func lifted(_ descriptor: Int32) -> Int32 {
        let lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, 10)
        close(descriptor)
        return lifted
    }

    /// Writes without the signal that a pipe raises which nobody reads any more: it would end this process where nobody has
    /// said otherwise.
    /// - Returns: the bytes written; below 0 there were none, for the reason beside it.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (count: Int, failure: Int32) {
        var (pipe, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
        let count = unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        let failure = errno
        if count < 0, failure == EPIPE {
            var none = timespec()
            _ = unsafe sigtimedwait(&pipe, nil, &none)
        }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        return (count, failure)
    }
}
