/// Runs blocking work on a thread of its own: it never runs on Swift's cooperative pool.
/// - Parameter name: the thread's name, cut to 15 bytes by the system.
/// - Throws: what `body` throws, or `NoThread`.
package func onThread<Result: Sendable>(
    named name: String, _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
        do {
            _ = try JoinableThread(name: name) { continuation.resume(with: Swift.Result(catching: body)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
