#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Who waits at a `Monitor` for what, so that a change wakes only those it concerns: a wake-up that finds nothing to do
/// costs two context switches. Whoever uses a monitor names the groups.
package struct Waiters: OptionSet, Sendable {
    /// One bit for each group.
    package let rawValue: Int

    /// The groups of these bits, of which there are four.
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Those who belong to no other group.
    package static let others = Waiters(rawValue: 8)
    /// Everybody.
    package static let all = Waiters(rawValue: 15)

    fileprivate static let groups = (0..<4).map { Waiters(rawValue: 1 << $0) }
    /// Index of the only group in the set.
    fileprivate var index: Int { rawValue.trailingZeroBitCount }
}

/// State behind a lock with conditions to wait on, for threads (never for tasks).
///
/// `Mutex` has no condition variable and `NSCondition` waits on the wall clock; timers here must be monotonic.
/// `@unchecked Sendable`: the state is touched only while the lock is held.
@safe package final class Monitor<State>: @unchecked Sendable {
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// One per group of `Waiters`.
    private let conditions = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: Waiters.groups.count)
    /// Nil in a program.
    private let scheduler: (any Scheduler)?

    /// A monitor of a state, at which the threads of a schedule meet.
    package init(_ state: State, schedule: Schedule = .system) {
        self.state = state
        scheduler = schedule.scheduler
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for group in Waiters.groups { unsafe pthread_cond_init(conditions + group.index, &attributes) }
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        for group in Waiters.groups { unsafe pthread_cond_destroy(conditions + group.index) }
        unsafe pthread_mutex_destroy(mutex)
        unsafe conditions.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the state locked.
    package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        lock()
        defer { unlock() }
        return try body(&state)
    }

    private func lock() {
        scheduler?.willLock()
        unsafe pthread_mutex_lock(mutex)
    }

    private func unlock() {
        unsafe pthread_mutex_unlock(mutex)
        scheduler?.didUnlock()
    }

    /// Runs `body` with the state locked, then wakes every waiter.
    package func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        try update { state, _ in try body(&state) }
    }

    /// Runs `body` with the state locked, then wakes the waiters it leaves in the set it is given, which holds all.
    package func update<Result>(_ body: (inout State, inout Waiters) throws -> Result) rethrows -> Result {
        var woken = Waiters.all
        lock()
        defer {
            wake(woken)
            unlock()
        }
        return try body(&state, &woken)
    }

    private func wake(_ woken: Waiters) {
        if let scheduler { return scheduler.wake(woken, at: ObjectIdentifier(self)) }
        for group in Waiters.groups where woken.contains(group) {
            unsafe pthread_cond_broadcast(conditions + group.index)
        }
    }

    /// Waits until `body` returns a value, and returns it; nil when `timeout` passes first.
    ///
    /// `body` runs with the state locked, once now and again after each `update` that wakes `group`.
    package func wait<Result>(
        as group: Waiters = .others, timeout: Duration? = nil, _ body: (inout State) throws -> Result?
    ) rethrows -> Result? {
        if let scheduler {
            let deadline = timeout.map { scheduler.now + $0 }
            return try wait(by: scheduler, as: group, until: { _ in deadline }, endsThen: true, body)
        }
        let condition = unsafe conditions + group.index
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        var deadline = timeout.map(Self.deadline(after:))
        while true {
            if let result = try body(&state) { return result }
            guard deadline != nil else {
                unsafe pthread_cond_wait(condition, mutex)
                continue
            }
            if unsafe pthread_cond_timedwait(condition, mutex, &deadline!) == ETIMEDOUT {
                return try body(&state)
            }
        }
    }

    /// Waits until `body` returns a value, and returns it.
    ///
    /// `body` runs with the state locked, once now, again after each `update` that wakes `group`, and again when the
    /// moment has come that `deadline` named after the last of them; nil names none.
    package func wait<Result>(
        as group: Waiters, until deadline: (State) -> ContinuousClock.Instant?,
        _ body: (inout State) throws -> Result?
    ) rethrows -> Result {
        if let scheduler {
            while true {
                if let result = try wait(by: scheduler, as: group, until: deadline, endsThen: false, body) {
                    return result
                }
            }
        }
        let condition = unsafe conditions + group.index
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = try body(&state) { return result }
            guard let moment = deadline(state) else {
                unsafe pthread_cond_wait(condition, mutex)
                continue
            }
            // Never less than a millisecond, so that two clocks that disagree by little do not make it spin.
            var time = Self.deadline(after: max(.milliseconds(1), moment - .now))
            _ = unsafe pthread_cond_timedwait(condition, mutex, &time)
        }
    }

    /// Waits as the scheduler says. Nothing comes between a look at the state and the wait that follows.
    /// - Parameter endsThen: whether the deadline ends the wait; otherwise the state is looked at once more then.
    private func wait<Result>(
        by scheduler: any Scheduler, as group: Waiters, until deadline: (State) -> ContinuousClock.Instant?,
        endsThen: Bool, _ body: (inout State) throws -> Result?
    ) rethrows -> Result? {
        scheduler.willLock()
        defer { scheduler.didUnlock() }
        while true {
            if let result = try body(&state) { return result }
            let isWoken = scheduler.wait(at: ObjectIdentifier(self), as: group, until: deadline(state))
            if !isWoken, endsThen { return try body(&state) }
        }
    }

    private static func deadline(after timeout: Duration) -> timespec {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = timeout.components
        let nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: now.tv_sec + Int(seconds) + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }
}

/// What tells the threads of a process apart.
package struct ThreadIdentity: Hashable, Sendable {
    private let number: UInt

    /// The calling thread.
    package static var current: ThreadIdentity { ThreadIdentity(number: UInt(pthread_self())) }
}
