import Glibc
import Platform

/// A program started in a session of its own, so that a terminal's Ctrl-C does not reach it, with all descriptors but
/// its standard ones closed and all signals at their defaults.
final class ChildProcess: Sendable {
    /// Process id, valid until the process has been waited for.
    let id: Int32

    /// Starts a program.
    /// - Parameters:
    ///   - command: absolute path and arguments.
    ///   - input: a descriptor that becomes standard input; nil for an empty one.
    ///   - outputPath: file that standard output and error are appended to; nil drops them.
    ///   - group: `.inherited` keeps the program in the terminal's foreground group.
    /// - Throws: `ProgramFailure`.
    init(
        _ command: [String], input: Int32? = nil, outputPath: String?, group: Spawn.Group = .ownSession
    ) throws(ProgramFailure) {
        let (nothing, output) = (try Spawn.open(nil), try Spawn.open(outputPath))
        defer {
            close(nothing)
            close(output)
        }
        id = try Spawn.start(command, descriptors: [input ?? nothing, output, output], group: group)
    }

    /// Answers the wait status once the process has ended, nil when it has not by the deadline.
    ///
    /// A process can be waited for only once; after an answer its id means nothing any more.
    func wait(until deadline: ContinuousClock.Instant) -> Int32? {
        while true {
            var status: Int32 = 0
            let ended = unsafe waitpid(id, &status, WNOHANG)
            if ended == id || (ended < 0 && errno == ECHILD) { return status }
            if ContinuousClock.now >= deadline { return nil }
            usleep(2_000)
        }
    }

    /// Sends a signal.
    func signal(_ number: Int32) {
        kill(id, number)
    }

    /// Process ids of the direct children, as `/proc` shows them now.
    static func children(of parent: Int32) -> [Int32] {
        guard let directory = unsafe opendir("/proc") else { return [] }
        defer { unsafe closedir(directory) }
        var children: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let id = Int32(name), let stat = TextFile.read("/proc/\(name)/stat") else { continue }
            // The name in parentheses may hold anything; the parent is the second word behind it.
            let words = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
            if words.count > 2, Int32(words[2]) == parent { children.append(id) }
        }
        return children
    }
}

extension ChildProcess {
    /// Whether any process has this id and is not just waiting to be reaped.
    static func isRunning(_ id: Int32) -> Bool {
        guard let stat = TextFile.read("/proc/\(id)/stat"), let name = stat.lastIndex(of: ")") else { return false }
        return !stat[name...].hasPrefix(") Z")
    }
}
