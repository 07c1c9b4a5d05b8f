import Foundation
import Testing

/// A process that dies of one of its topologies: the next one knows of which.
@Suite struct CrashTests {
    /// Has the thread of a process that has a name fault.
    private static func fault(_ process: MillraceProcess, inThread name: String) throws {
        let tasks = "/proc/\(process.processID)/task"
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            let found = try? String(contentsOfFile: "\(tasks)/\(task)/comm", encoding: .utf8)
            guard found == "\(name)\n", let number = Int32(task) else { continue }
            // Swift's module of the C library lacks it.
            typealias Send = @convention(c) (Int32, Int32, Int32) -> Int32
            guard let symbol = unsafe dlsym(nil, "tgkill") else { break }
            let send = unsafe unsafeBitCast(symbol, to: Send.self)
            guard send(process.processID, number, SIGSEGV) == 0 else { break }
            return
        }
        throw MillraceProcess.Failure(description: "no thread \(name) could be reached")
    }

    @Test func aTopologyThatProcessesDieOfIsHeldAndTheOthersGoOn() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_crash")
            let pipes = try EndlessPipes()
            let stand = try ServeStand(
                database, variables: ["XDG_STATE_HOME": pipes.state])
            var process = try stand.serve()
            for name in ["steady", "poisonous"] {
                try stand.succeed("deploy", try stand.file(pipes.topology(name), "\(name).yaml"))
            }
            for deaths in 1...3 {
                try stand.wait(for: "poisonous", toBe: "running")
                try stand.wait(for: "steady", toBe: "running")
                try Self.fault(process, inThread: "poisonous")
                #expect(try process.wait() == .signal(SIGSEGV))
                #expect(try database.number("SELECT count(*) FROM millrace.crashes") == Int64(deaths - 1))
                process = try stand.serve()
                try process.waitUntil("it tells") { process.errors.contains("died of a fault") }
                #expect(process.errors.contains("died_of=poisonous") && process.errors.contains("signal=SIGSEGV"))
            }
            try stand.wait(for: "poisonous", toBe: "held")
            try stand.wait(for: "steady", toBe: "running")
            let why = try stand.run("why", "poisonous")
            #expect(why.exit == .code(3) && why.output.contains("the process died 3 times of a fault"), "\(why.output)")
            #expect(why.output.contains("millrace restart poisonous"), "\(why.output)")
            #expect(try stand.run("status").exit == .code(3))
            #expect(try database.number("SELECT count(*) FROM millrace.crashes WHERE topology <> 'poisonous'") == 0)

            // A restart of the process alone does not try it again; one of the topology does.
            try stopInOrder([process])
            process = try stand.serve()
            try stand.wait(for: "poisonous", toBe: "held")
            try stand.succeed("restart", "poisonous")
            try stand.wait(for: "poisonous", toBe: "running")
            try stopInOrder([process])
        }
    }

    /// From outside, and in nobody's thread: whatever runs then is not to blame.
    @Test func killsHoldNothing() async throws {
        try await onOwnThread {
            let database = try TestDatabase("serve_kills")
            let pipes = try EndlessPipes()
            let stand = try ServeStand(
                database, variables: ["XDG_STATE_HOME": pipes.state])
            var process = try stand.serve()
            try stand.succeed("deploy", try stand.file(pipes.topology("healthy")))
            for signal in [SIGKILL, SIGABRT, SIGKILL, SIGABRT, SIGSEGV] {
                try stand.wait(for: "healthy", toBe: "running")
                if signal == SIGSEGV {
                    try Self.fault(process, inThread: "catalogue")
                } else {
                    kill(process.processID, signal)
                }
                #expect(try process.wait() == .signal(signal))
                process = try stand.serve()
                try process.waitUntil("it tells") { process.errors.contains("process of this machine") }
            }
            #expect(process.errors.contains("died_of=\"no topology that can be told\""), "\(process.errors)")
            try stand.wait(for: "healthy", toBe: "running")
            #expect(!process.errors.contains("A topology failed"))
            #expect(try database.number("SELECT count(*) FROM millrace.crashes") == 0)
            try stopInOrder([process])
        }
    }
}
