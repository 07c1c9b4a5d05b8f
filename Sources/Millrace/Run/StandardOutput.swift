#if canImport(Glibc)
    // stdout is a variable there.
    @unsafe @preconcurrency import Glibc
#elseif canImport(Musl)
    @unsafe @preconcurrency import Musl
#else
    import Darwin
#endif

/// Standard output at the end of the program: what a command printed and nobody could store is no success.
enum StandardOutput {
    /// Has the end of the program look whether everything that was printed has been written: exit code 1 and a word on
    /// standard error when not. A reader that is gone (`| head`) has what it wanted.
    static func watch() {
        keepOpen()
        atexit {
            guard let reason = StandardOutput.failure() else { return }
            StandardError.write("millrace: standard output cannot be written: \(reason)")
            _exit(1)
        }
    }

    /// Puts something that cannot be written in the place of a closed descriptor. Otherwise the next file or connection
    /// that is opened would have its number, and get what is printed.
    private static func keepOpen() {
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            let file = unsafe open("/dev/null", O_RDONLY)
            guard file >= 0, file != descriptor else { continue }
            _ = dup2(file, descriptor)
            close(file)
        }
    }

    /// Why not everything that was printed is written; nil when it is, or when its reader is gone.
    private static func failure() -> String? {
        let hadFailed = unsafe ferror(stdout) != 0
        errno = 0
        let isWritten = unsafe fflush(stdout) == 0
        let code = errno
        guard hadFailed || !isWritten, code != EPIPE else { return nil }
        var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        let isReaderGone = unsafe poll(&request, 1, 0) > 0 && request.revents & Int16(POLLERR) != 0
        if isReaderGone { return nil }
        guard !isWritten, code != 0 else { return "not all of it was taken" }
        return unsafe String(cString: strerror(code))
    }
}
