/// Who decides which thread goes on, and what time it is. In a program that is the system, and a schedule does nothing. In
/// a simulation it is a `Scheduler`, so that a seed replays an interleaving.
package struct Schedule: Sendable {
    /// Threads run as the system has them run, and time is the system's.
    package static let system = Schedule(scheduler: nil)

    /// Nil: the system.
    let scheduler: (any Scheduler)?

    private init(scheduler: (any Scheduler)?) { self.scheduler = scheduler }

    /// A schedule by which one thread runs at a time.
    package init(_ scheduler: any Scheduler) { self.init(scheduler: scheduler) }

    /// Whether it is the system's.
    package var isReal: Bool { scheduler == nil }

    /// The present moment.
    package var now: ContinuousClock.Instant { scheduler?.now ?? .now }

    /// Starts a thread.
    /// - Parameter name: shown by `ps -L` and debuggers, cut to 15 bytes.
    /// - Throws: `NoThread`; trying again later may help.
    package func start(name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread) {
        if let scheduler { return try scheduler.start(name: name, body) }
        _ = try JoinableThread(name: name, body)
    }
}

/// Decides which of some threads goes on. Exactly one of them runs at a time; each call is a moment at which another one
/// may be the next.
package protocol Scheduler: AnyObject, Sendable {
    /// The present moment.
    var now: ContinuousClock.Instant { get }
    /// Starts a thread that runs when it is chosen.
    func start(name: String, _ body: @escaping @Sendable () -> Void) throws(NoThread)
    /// The calling thread is about to take a lock. Until `didUnlock` it is not interrupted.
    func willLock()
    /// The calling thread has let go of a lock.
    func didUnlock()
    /// Lets others run until somebody wakes `group` of the monitor, or until a moment. The lock is not held.
    /// - Returns: whether it was woken; false when the moment came first.
    func wait(at monitor: ObjectIdentifier, as group: Waiters, until deadline: ContinuousClock.Instant?) -> Bool
    /// Those who wait in `groups` of a monitor may go on.
    func wake(_ groups: Waiters, at monitor: ObjectIdentifier)
}
