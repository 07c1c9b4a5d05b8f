#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// State behind a lock with a condition to wait on, for threads (never for tasks).
///
/// `Mutex` has no condition variable and `NSCondition` waits on the wall clock; timers here must be monotonic.
/// `@unchecked Sendable`: the state is touched only while the lock is held.
@safe final class Monitor<State>: @unchecked Sendable {
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ state: State) {
        self.state = state
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the state locked.
    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Runs `body` with the state locked, then wakes every waiter.
    func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Waits until `body` returns a value, and returns it; nil when `timeout` passes first.
    ///
    /// `body` runs with the state locked, once now and again after each `update`.
    func wait<Result>(timeout: Duration? = nil, _ body: (inout State) throws -> Result?) rethrows -> Result? {
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
    /// `body` runs with the state locked, once now, again after each `update`, and again when the moment has come that
    /// `deadline` named after the last of them; nil names none.
    func wait<Result>(
        until deadline: (State) -> ContinuousClock.Instant?, _ body: (inout State) throws -> Result?
    ) rethrows -> Result {
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

    private static func deadline(after timeout: Duration) -> timespec {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = timeout.components
        let nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: now.tv_sec + Int(seconds) + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    }
}
