import Platform

/// Who waits in a pipeline for what.
extension Waiters {
    /// Threads without work.
    static let workers = Waiters(rawValue: 1)
    /// Threads without an empty batch.
    static let sources = Waiters(rawValue: 2)
    /// The commit thread.
    static let committer = Waiters(rawValue: 4)
}
