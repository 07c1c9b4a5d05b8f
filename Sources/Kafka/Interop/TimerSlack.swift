internal import CRdKafka

/// Lets the kernel wake threads a little later than they asked for.
///
/// The main thread of a client waits for its next timer in whole milliseconds, rounded down, and in versions before 2.4.0
/// it then turns in a circle until the rest is over: half a millisecond of a core for each timer, of which every client has
/// two or three a second. A wait that ends a little late leaves no rest. With ten topologies that have nothing to do, main
/// threads took 2.2 % of a core before and 0.5 % since. Whatever ends a wait early, a message or a request, still does.
enum TimerSlack {
    /// That of the calling thread; nil where there is no such thing.
    static var current: Duration? {
        let nanoseconds = millrace_timer_slack()
        return nanoseconds < 0 ? nil : .nanoseconds(nanoseconds)
    }

    /// Runs `body`; threads that it starts, and those that these start, have the slack, the calling thread has its own
    /// again.
    static func inherited<Result>(_ body: () -> Result) -> Result {
        guard let own = current else { return body() }
        set(KafkaLimits.timerSlack)
        defer { set(own) }
        return body()
    }

    private static func set(_ slack: Duration) { millrace_set_timer_slack(Int32(slack / .nanoseconds(1))) }
}
