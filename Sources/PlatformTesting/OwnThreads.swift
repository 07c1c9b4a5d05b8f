import Foundation

/// Runs a blocking test body on a thread of its own: blocking calls do not belong on Swift's cooperative pool.
///
/// By an executor rather than a bare thread, so that expectations still know which test they belong to.
/// - Throws: what `body` throws.
public func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withTaskExecutorPreference(OwnThreads()) { try body() }
}

/// Runs each job on a new thread.
private final class OwnThreads: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }.start()
    }
}
