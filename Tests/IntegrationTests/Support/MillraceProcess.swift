import Foundation
import LocalServices
import Platform
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
        let pipe = try PrivatePipe()
        let files = try ["out", "err"].map { try Spawn.open(folder.appendingPathComponent($0).path) }
        defer { for end in [pipe.reading] + files { close(end) } }
        do {
            processID = try Spawn.start(command, environment: environment, descriptors: [pipe.reading] + files)
        } catch {
            close(pipe.writing)
            throw error
        }
        lifeline = pipe.writing
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
        // What takes long may be noticed a little later.
        var pause = 2_000.0
        while true {
            if ContinuousClock.now >= end, ContinuousClock.now < last, processorTicks > used + 100 {
                (end, used) = (.now + deadline, processorTicks)
            }
            if let exit = lookForExit() { return exit }
            guard ContinuousClock.now < end else {
                throw Failure(description: "millrace did not end within \(deadline); it said: \(lastWords)")
            }
            usleep(useconds_t(pause))
            pause = min(pause * 1.05, 30_000)
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
}
