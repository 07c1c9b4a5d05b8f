import Glibc
import Synchronization

/// Ends the programs of this process when it ends without doing so itself, by `kill -9` included.
///
/// A shell in its own process group reads from a pipe, whose other end only this process holds, which programs run: each
/// reports itself before it begins. The end of the stream means that this process is gone. (A parent-death signal would not
/// do: it follows the thread that started the program.)
package final class ProgramGuard: Sendable {
    private static let script = """
        trap '' INT HUP TERM QUIT PIPE
        live=' '
        while read -r what id; do
            case $what in
                +) live="$live$id " ;;
                -) case $live in *" $id "*) live="${live%%" $id "*} ${live#*" $id "}" ;; esac ;;
            esac
        done
        for id in $live; do kill -KILL "-$id" 2>/dev/null; done
        exit 0
        """

    /// Where programs report themselves.
    let descriptor: Int32
    private let shell: Int32
    private let isOpen = Mutex(true)

    /// Starts the shell.
    /// - Throws: `ProgramFailure`; trying again later may help.
    package init() throws(ProgramFailure) {
        let pipe = try PrivatePipe()
        let nothing = try Spawn.open(nil)
        defer {
            Glibc.close(pipe.reading)
            Glibc.close(nothing)
        }
        do {
            shell = try Spawn.start(
                ["/bin/sh", "-c", Self.script, "millrace-exec-guard"], descriptors: [pipe.reading, nothing, nothing])
        } catch {
            Glibc.close(pipe.writing)
            throw error
        }
        descriptor = pipe.writing
    }

    deinit { close() }

    /// Takes note that a program has ended, or is about to: from now on its number means nothing.
    func dismiss(_ id: Int32) {
        isOpen.withLock { isOpen in
            let line = Array("- \(id)\n".utf8)
            if isOpen { _ = unsafe line.withUnsafeBytes { unsafe PrivatePipe.write($0, to: descriptor) } }
        }
    }

    /// Does what the system does when this process ends: programs that still run are killed. Waits for that.
    package func close() {
        isOpen.withLock { isOpen in
            guard isOpen else { return }
            isOpen = false
            Glibc.close(descriptor)
            _ = Spawn.wait(for: shell)
        }
    }
}
