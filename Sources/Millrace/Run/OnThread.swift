import Foundation

/// Runs blocking work on a thread of its own: it never runs on Swift's cooperative pool.
/// - Parameter name: the thread's name, cut to 15 bytes by the system.
func onThread<Result: Sendable>(
    named name: String, _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
        let thread = Thread { continuation.resume(with: Swift.Result(catching: body)) }
        thread.name = name
        thread.start()
    }
}
