import Glibc
import Platform

/// Stops a server and removes its folder when this process ends without doing so itself, by `kill -9` included.
///
/// A shell in its own session reads a pipe whose other end only this process holds: the end of the stream means that
/// this process is gone. (A parent-death signal would not do: it follows the thread that started the server.)
final class OwnerWatch: Sendable {
    private let shell: ChildProcess
    private let pipe: Int32

    /// `$1` is the data folder, `$2` what to remove or empty. The server's process id is checked against its name,
    /// since the number may have been given to another process.
    private static let script = """
        trap '' INT HUP TERM QUIT PIPE
        while read -r word; do [ "$word" = done ] && exit 0; done
        id=$(head -n 1 "$1/postmaster.pid" 2>/dev/null)
        if [ -n "$id" ] && [ "$(cat "/proc/$id/comm" 2>/dev/null)" = postgres ]; then
            kill -QUIT "$id"
            tries=0
            while [ -e "$1/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
            [ -e "$1/postmaster.pid" ] && kill -KILL "$id"
        fi
        tries=0
        while [ -n "$2" ] && [ -e "$2" ] && [ $tries -lt 50 ]; do
            rm -rf "$2" 2>/dev/null; tries=$((tries + 1)); [ -e "$2" ] && sleep 0.1
        done
        exit 0
        """

    /// - Throws: `ProgramFailure` when the system cannot start it.
    init(dataDirectory: String, removing temporary: String?) throws(ProgramFailure) {
        let ends = try PrivatePipe()
        defer { close(ends.reading) }
        let command = ["/bin/sh", "-c", Self.script, "millrace-owner-watch", dataDirectory, temporary ?? ""]
        do {
            shell = try ChildProcess(command, input: ends.reading, outputPath: nil)
        } catch {
            close(ends.writing)
            throw error
        }
        pipe = ends.writing
    }

    /// Does what the system does when this process ends.
    func endAsIfOwnerDied() {
        close(pipe)
    }

    /// Ends the watch: this process has cleaned up itself.
    func dismiss() {
        _ = unsafe [UInt8]("done\n".utf8).withUnsafeBytes { unsafe write(pipe, $0.baseAddress, $0.count) }
        close(pipe)
        _ = shell.wait(until: .now + .seconds(5))
    }
}
