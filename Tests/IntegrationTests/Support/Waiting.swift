import Foundation

struct DeadlinePassed: Error, CustomStringConvertible {
    let description: String
}

/// Waits for a condition by looking again and again; never sleeps blindly for a result.
/// - Parameter progress: begins the deadline anew whenever it changes, so that slowness alone ends no wait.
/// - Throws: `DeadlinePassed` with `what`, and whatever the condition throws.
func eventually(
    within deadline: Duration = .seconds(60), progress: () -> Int64 = { 0 }, _ what: @autoclosure () -> String,
    _ condition: () throws -> Bool
) throws {
    var end = ContinuousClock.now + deadline
    var last = progress()
    while true {
        let began = ContinuousClock.now
        if try condition() { return }
        let now = progress()
        if now != last { (last, end) = (now, .now + deadline) }
        guard ContinuousClock.now < end else { throw DeadlinePassed(description: "not within \(deadline): \(what())") }
        // A look that starts a program or a server's session takes from what it waits for.
        let pause = min(max(.milliseconds(10), (.now - began) * 2), .milliseconds(500))
        usleep(useconds_t(pause / .microseconds(1)))
    }
}

/// Says on standard error that tests are skipped, and why.
func skipped(_ reason: String) {
    FileHandle.standardError.write(Data("SKIPPED: IntegrationTests: \(reason)\n".utf8))
}

/// Runs a blocking test body on a thread of its own: blocking calls do not belong on Swift's cooperative pool.
///
/// By an executor rather than a bare thread, so that expectations still know which test they belong to.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withTaskExecutorPreference(OwnThreads()) { try body() }
}

/// Runs each job on a new thread, a few at a time: every one of them starts servers and processes, and a machine with
/// two cores that starts dozens at once lets them miss their sessions and deadlines.
private final class OwnThreads: TaskExecutor {
    private static let turns = DispatchSemaphore(value: 5)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread {
            Self.turns.wait()
            defer { Self.turns.signal() }
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }.start()
    }
}
