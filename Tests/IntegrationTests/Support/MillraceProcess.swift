import Foundation
import LocalServices
import Synchronization

/// The `millrace` binary as a process of its own, with its output kept, that can be told to stop or be killed at any
/// moment.
///
/// It ends with this process, however that goes: a small shell in its process group holds the other end of a pipe.
/// All waiting calls block their thread.
final class MillraceProcess: Sendable {
    /// How a process ended.
    enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// One start at a time: between making a pipe and marking it private, another child could inherit it.
    private static let starting = Mutex(())

    let processID: Int32
    private let folder: URL
    private let lifeline: Int32
    /// Whether what it started in its process group ends with it; otherwise a test can see what it left behind.
    private let endsGroup: Bool
    private let exit = Mutex<Exit?>(nil)

    /// Starts `millrace run` on a topology file with this text.
    /// - Parameter arguments: more options of the command.
    convenience init(
        topology text: String, arguments: [String] = [], environment: [String: String] = [:]
    ) throws {
        let folder = try Self.makeFolder()
        let file = folder.appendingPathComponent("topology.yaml")
        try Data(text.utf8).write(to: file)
        try self.init(
            ["run", file.path, "--progress", "none"] + arguments, environment: environment, folder: folder)
    }

    /// Starts `millrace` with these arguments.
    convenience init(
        _ arguments: [String], environment: [String: String] = [:], endsGroup: Bool = true
    ) throws {
        try self.init(arguments, environment: environment, folder: Self.makeFolder(), endsGroup: endsGroup)
    }

    private init(
        _ arguments: [String], environment: [String: String], folder: URL, endsGroup: Bool = true
    ) throws {
        self.folder = folder
        self.endsGroup = endsGroup
        // The shell becomes the program (so that it is the child), and leaves the watch behind in the same group.
        let script = """
            exec 3<&0; (read _ <&3; kill -9 $$) >/dev/null 2>&1 & exec 3<&- "$@" </dev/null
            """
        let command = ["/bin/sh", "-c", script, "sh", try DevelopmentBroker.executableBesideUs().path] + arguments
        let all = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        (processID, lifeline) = try Self.starting.withLock { _ in
            var ends: [Int32] = [-1, -1]
            guard unsafe pipe(&ends) == 0 else { throw Failure(description: "no pipe: errno \(errno)") }
            defer { close(ends[0]) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let identifier = try Self.spawn(
                command, environment: all, input: ends[0], output: folder.appendingPathComponent("out").path,
                errors: folder.appendingPathComponent("err").path)
            return (identifier, ends[1])
        }
    }

    deinit {
        kill()
        if !endsGroup { _ = Foundation.kill(-processID, SIGKILL) }
        close(lifeline)
        try? FileManager.default.removeItem(at: folder)  // A folder in the temporary directory; nothing depends on it.
    }

    /// What it wrote to standard error so far.
    var errors: String { text(of: "err") }

    /// The beginning and the end of what it wrote to standard error, for messages.
    var lastWords: String {
        let lines = errors.split(separator: "\n")
        if let crash = lines.firstIndex(where: { $0.contains("rashed:") || $0.contains("Fatal error") }) {
            return lines[crash...].prefix(60).joined(separator: "\n")
        }
        return lines.count <= 12
            ? lines.joined(separator: "\n") : (lines.prefix(6) + ["..."] + lines.suffix(5)).joined(separator: "\n")
    }

    /// What it wrote to standard output so far.
    var output: String { text(of: "out") }

    /// The most memory it had so far; nil when it has ended.
    var residentBytesPeak: Int? {
        status("VmHWM").flatMap { Int($0) }.map { $0 << 10 }
    }

    /// What the kernel says about it; nil when it has ended.
    private func status(_ name: String) -> Substring? {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    }

    /// Hundredths of a second that it has had on processors; 0 when it has ended.
    private var processorTicks: Int {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)) ?? ""
        // Behind the name, which may hold anything: the 12th and 13th words.
        let words = status.split(separator: ")").last?.split(separator: " ") ?? []
        return words.count > 12 ? (Int(words[11]) ?? 0) + (Int(words[12]) ?? 0) : 0
    }

    /// Whether it has not ended yet.
    var isRunning: Bool { lookForExit() == nil }

    /// Asks it to end, as an operator or an orchestrator does. One that has just been started would end without a word.
    func terminate() {
        let end = ContinuousClock.now + .seconds(60)
        while isRunning, !catchesTermination, ContinuousClock.now < end { usleep(2_000) }
        guard isRunning else { return }
        _ = Foundation.kill(processID, SIGTERM)
    }

    private var catchesTermination: Bool {
        let caught = status("SigCgt").flatMap { UInt64($0, radix: 16) } ?? 0
        return caught & 1 << (SIGTERM - 1) != 0
    }

    /// Stops it from doing anything, as a machine does that swaps or pauses; `thaw` lets it go on as if nothing had been.
    func freeze() {
        if isRunning { _ = Foundation.kill(processID, SIGSTOP) }
    }

    /// Ends `freeze`.
    func thaw() {
        if isRunning { _ = Foundation.kill(processID, SIGCONT) }
    }

    /// Ends it at once, as a crash of the machine would, and waits until it is gone. Does nothing if it has ended.
    func kill() {
        if isRunning { _ = Foundation.kill(processID, SIGKILL) }
        while lookForExit() == nil { usleep(500) }
    }

    /// Waits for its end.
    /// - Parameter deadline: how long it may do nothing. One that works is waited for ten times as long: that a machine is slow
    ///   is no fault.
    /// - Throws: with the end of its standard error when `deadline` passes first.
    func wait(within deadline: Duration = .seconds(60)) throws -> Exit {
        let last = ContinuousClock.now + deadline * 10
        var (end, used) = (ContinuousClock.now + deadline, processorTicks)
        while true {
            if ContinuousClock.now >= end, ContinuousClock.now < last, processorTicks > used + 100 {
                (end, used) = (.now + deadline, processorTicks)
            }
            if let exit = lookForExit() { return exit }
            guard ContinuousClock.now < end else {
                throw Failure(description: "millrace did not end within \(deadline); it said: \(lastWords)")
            }
            usleep(2_000)
        }
    }

    private func lookForExit() -> Exit? {
        exit.withLock { exit in
            if exit != nil { return exit }
            var status: Int32 = 0
            guard unsafe waitpid(processID, &status, WNOHANG) == processID else { return nil }
            // The watch goes before its pipe does: it would kill whoever has this number by then.
            if endsGroup { _ = Foundation.kill(-processID, SIGKILL) }
            exit = status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(status & 0x7f)
            return exit
        }
    }

    private func text(of file: String) -> String {
        (try? Data(contentsOf: folder.appendingPathComponent(file))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func makeFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("millrace-process-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Starts `command` in a process group of its own, with no signal blocked or ignored.
    private static func spawn(
        _ command: [String], environment: [String: String], input: Int32, output: String, errors: String
    ) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        let create = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, create, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, create, 0o600)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var words: [UnsafeMutablePointer<CChar>?] = unsafe command.map { unsafe strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            unsafe words.forEach { unsafe free($0) }
            unsafe variables.forEach { unsafe free($0) }
        }
        var identifier: pid_t = 0
        let failure = unsafe posix_spawn(&identifier, command[0], &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw Failure(description: "\(command[0]): not started, errno \(failure)") }
        return identifier
    }
}
