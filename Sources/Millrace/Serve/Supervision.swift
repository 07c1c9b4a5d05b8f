import Catalog
import Foundation

/// What is to be done about one topology in this process: what the catalogue wants and what happened in, actions out; no
/// threads, no clock.
///
/// ```
///            ┌──────────────────── another order ────────────────────┐
///            ▼                                                       │
///   idle ──start──► running ──ended by itself──► settled (ended) ────┤
///    ▲  ▲              │ ├─────file is refused──► settled (refused) ──┤
///    │  │              │ └─────failed──► resting ──time is over──► running
///    │  └─another order┼──────────────────┘
///    └──has ended── stopping ◄──another order
/// ```
///
/// A process that begins knows which runs processes before it have died of: such a run begins by resting, and is settled
/// (held) at once when there were several.
struct Supervision {
    /// What is to run: this version, with the settings of this generation.
    struct Order: Hashable, Sendable {
        var version: Int
        var generation: Int64
    }

    enum Phase: Equatable {
        case idle
        case running(Order, since: ContinuousClock.Instant)
        case stopping(Order, since: ContinuousClock.Instant)
        case resting(Order, until: ContinuousClock.Instant)
        case settled(Order, Settlement)
    }

    /// An end after which nothing is tried until the order changes.
    enum Settlement: Equatable {
        case ended
        case refused
        /// Processes died of it.
        case held
    }

    enum Action: Equatable {
        case start(Order)
        case stop
        /// It does not end: blocking calls are to give up.
        case abandon
    }

    /// How a run ended.
    enum Outcome: Equatable {
        /// Its sources ended, or it was told to stop.
        case orderly
        /// Nothing helps but another file or another environment.
        case refused
        case failed
        /// Other processes still run the version before.
        case early
    }

    /// The pauses before a failed topology is tried again.
    static let pauseFirst = Duration.seconds(1)
    static let pauseMax = Duration.seconds(60)
    /// One that ran so long before it failed is tried again as if it had never failed.
    static let goodRun = Duration.seconds(120)
    /// One of which so many processes have died is held.
    static let deathsMax = 3
    /// The pause when others still run the version before.
    static let pauseEarly = Duration.milliseconds(300)
    /// How long an orderly end may take.
    static let patience = StopWatch.commitTime

    private(set) var phase = Phase.idle
    /// Starts after failures, since the last change of the order.
    private(set) var restarts = 0
    private var failuresInARow = 0
    /// Whether its run was told to end, and did not in time.
    private(set) var isAbandoned = false
    /// How many processes died of a run before this one began.
    private var deaths: (generation: Int64, count: Int)?

    /// - Parameter deaths: how many processes have died, not long ago, of which run; nil for none.
    init(deaths: (generation: Int64, count: Int)? = nil) { self.deaths = deaths }

    /// What is to be done now.
    /// - Parameter wanted: nil when it is not to run.
    mutating func step(wanted: Order?, at now: ContinuousClock.Instant) -> Action? {
        switch phase {
        case .idle:
            guard let wanted else { return nil }
            (restarts, failuresInARow) = (0, 0)
            if let deaths = deaths.take(), deaths.generation == wanted.generation, deaths.count > 0 {
                return begin(wanted, after: deaths.count, now)
            }
            return start(wanted, now)
        case .running(let order, _):
            guard order != wanted else { return nil }
            phase = .stopping(order, since: now)
            isAbandoned = false
            return .stop
        case .stopping(_, let since):
            guard !isAbandoned, now >= since + Self.patience else { return nil }
            isAbandoned = true
            return .abandon
        case .resting(let order, let until):
            if order != wanted {
                phase = .idle
                return step(wanted: wanted, at: now)
            }
            guard now >= until else { return nil }
            restarts += 1
            return start(order, now)
        case .settled(let order, _):
            guard order != wanted else { return nil }
            phase = .idle
            return step(wanted: wanted, at: now)
        }
    }

    /// As if it had failed so often, until that is too much.
    private mutating func begin(_ order: Order, after deaths: Int, _ now: ContinuousClock.Instant) -> Action? {
        guard deaths < Self.deathsMax else {
            phase = .settled(order, .held)
            return nil
        }
        failuresInARow = deaths - 1
        rest(order, now)
        return nil
    }

    private mutating func rest(_ order: Order, _ now: ContinuousClock.Instant) {
        let pause = min(Self.pauseMax, Self.pauseFirst * (1 << min(failuresInARow, 10)))
        failuresInARow += 1
        phase = .resting(order, until: now + pause)
    }

    private mutating func start(_ order: Order, _ now: ContinuousClock.Instant) -> Action {
        (phase, isAbandoned) = (.running(order, since: now), false)
        return .start(order)
    }

    /// Its run has ended.
    mutating func ended(_ outcome: Outcome, at now: ContinuousClock.Instant) {
        guard case .running(let order, let since) = phase else {
            // Told to stop: however it ended, it has.
            phase = .idle
            return
        }
        switch outcome {
        case .orderly: phase = .settled(order, .ended)
        case .refused: phase = .settled(order, .refused)
        case .early: phase = .resting(order, until: now + Self.pauseEarly)
        case .failed:
            if now - since >= Self.goodRun { failuresInARow = 0 }
            rest(order, now)
        }
    }

    /// Whether nothing of it runs.
    var isAtRest: Bool {
        switch phase {
        case .idle, .resting, .settled: true
        case .running, .stopping: false
        }
    }
}
