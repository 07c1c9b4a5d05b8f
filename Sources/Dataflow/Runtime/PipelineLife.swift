/// The life of a pipeline, as a value: events in, phases out, no clock, no I/O.
///
/// ```
///   running ──stop──► stopping ──sources have ended──► draining ──commits have ended──► ended
///      │                  │                               │                               ▲
///      └──────────────────┴────────────cancel─────────────┴──► abandoned ──commits ended──┤
///      └──────────────────┴────────────commits have ended, by a failure───────────────────┘
/// ```
///
/// Sources may end by themselves, without a stop; then `running` is left for `draining`. Whatever comes too late for the
/// phase changes nothing.
package struct PipelineLife: Sendable {
    /// Where a pipeline stands.
    package enum Phase: Hashable, Sendable {
        /// Sources read. Left by `stop`, `sourcesEnded`, `cancel` and `commitsEnded`.
        case running
        /// Sources are to return, what was read is committed. Left by `sourcesEnded`, `cancel` and `commitsEnded`.
        case stopping
        /// Sources have returned; what is left is to be committed. Left by `cancel` and `commitsEnded`.
        case draining
        /// Blocking calls are to give up, and nobody waits long for them: nothing more will be committed. Left by
        /// `commitsEnded`.
        case abandoned(since: ContinuousClock.Instant)
        /// Nothing more will be committed. Since a moment, which a `cancel` may still set, nobody waits long for threads
        /// that hang; nil when all went its orderly way.
        case ended(givenUp: ContinuousClock.Instant?)
    }

    /// Where the pipeline stands.
    package private(set) var phase = Phase.running

    /// A pipeline that has just begun.
    package init() {}

    /// Whether sources are to return.
    package var isStopping: Bool { phase != .running }

    /// Whether sources have returned, and what is left is to be committed at once.
    package var isDraining: Bool { phase == .draining }

    /// Whether nothing more will be committed.
    package var hasEnded: Bool { if case .ended = phase { true } else { false } }

    /// Whether nothing more will be committed, or nobody wants to wait for it.
    package var hasGivenUp: Bool {
        switch phase {
        case .running, .stopping, .draining: false
        case .abandoned, .ended: true
        }
    }

    /// Since when nobody waits long for threads that hang; nil while all goes its orderly way.
    package var givenUp: ContinuousClock.Instant? {
        switch phase {
        case .running, .stopping, .draining: nil
        case .abandoned(let moment): moment
        case .ended(let moment): moment
        }
    }

    /// Sources are to end, on request or because something failed.
    package mutating func stop() {
        if phase == .running { phase = .stopping }
    }

    /// Every source has returned, or is not waited for any more.
    package mutating func sourcesEnded() {
        switch phase {
        case .running, .stopping: phase = .draining
        case .draining: preconditionFailure("the sources of a pipeline ended twice")
        case .abandoned, .ended: break
        }
    }

    /// Nobody wants to wait any more.
    package mutating func cancel(at now: ContinuousClock.Instant) {
        switch phase {
        case .running, .stopping, .draining: phase = .abandoned(since: now)
        case .abandoned: break
        case .ended(let moment): phase = .ended(givenUp: moment ?? now)
        }
    }

    /// The commit thread has done its last work, because all is done, because it was told to give up, or because
    /// something failed.
    package mutating func commitsEnded(hasFailed: Bool, at now: ContinuousClock.Instant) {
        switch phase {
        case .running, .stopping:
            precondition(hasFailed, "commits ended while sources were reading, and nothing had failed")
            phase = .ended(givenUp: now)
        case .draining: phase = .ended(givenUp: hasFailed ? now : nil)
        case .abandoned(let moment): phase = .ended(givenUp: moment)
        case .ended: preconditionFailure("the commits of a pipeline ended twice")
        }
    }
}
