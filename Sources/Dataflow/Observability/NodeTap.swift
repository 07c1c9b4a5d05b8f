import Synchronization

/// Where somebody may watch the records of a node: those that it hands on, or those that reach it where it keeps groups.
///
/// While nobody watches, a look at one atomic is all that a batch costs.
public final class NodeTap: Sendable {
    /// Sees some rows of a batch, which are valid during the call, on the thread that works on them.
    public typealias Watcher = @Sendable (Batch, RowSelection) -> Void

    private struct Watchers {
        var byNumber: [Int: Watcher] = [:]
        var last = 0
    }

    private let isWatched = Atomic(false)
    private let watchers = Mutex(Watchers())

    /// Nobody watches.
    package init() {}

    /// Shows records to a watcher from now on.
    /// - Returns: what names it.
    public func add(_ watcher: @escaping Watcher) -> Int {
        watchers.withLock { watchers in
            watchers.last += 1
            watchers.byNumber[watchers.last] = watcher
            isWatched.store(true, ordering: .relaxed)
            return watchers.last
        }
    }

    /// Shows it no more.
    public func remove(_ number: Int) {
        watchers.withLock { watchers in
            watchers.byNumber[number] = nil
            isWatched.store(!watchers.byNumber.isEmpty, ordering: .relaxed)
        }
    }

    /// Whether somebody watches.
    var isOpen: Bool { isWatched.load(ordering: .relaxed) }

    /// Shows rows to all who watch.
    package func show(_ batch: Batch, _ rows: RowSelection) {
        // Not called under the lock: a watcher may want to be removed.
        for watcher in watchers.withLock({ Array($0.byNumber.values) }) { watcher(batch, rows) }
    }
}
