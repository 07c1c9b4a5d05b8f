package import Dataflow
import Logging
import Lookups
import MaxMind
import Synchronization

/// Keeps a lookup's content fresh: loads it before the first record, reads it again on time or when told to, and stops the
/// topology when it has become too old.
package final class LookupKeeper: Companion {
    private let plan: LookupPlan
    private let store: any LookupStore
    private let listener: LookupListener?
    /// Whether content that cannot be read at first is waited for.
    private let isPatient: Bool
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// When the load began that brought the content which is in use.
        var freshAt: ContinuousClock.Instant?
        var generation: Generation?
    }

    init(
        _ plan: LookupPlan, _ store: any LookupStore, _ listener: LookupListener?, isPatient: Bool = true,
        logger: Logger
    ) {
        self.plan = plan
        self.store = store
        self.listener = listener
        self.isPatient = isPatient
        self.logger = logger
    }

    /// Whether the content is older than it may be. The companion's thread ends the topology then; whoever was frozen
    /// together with it sees this first.
    var isStale: Bool { staleAt.map { .now > $0 } ?? false }

    /// When the content becomes too old.
    private var staleAt: ContinuousClock.Instant? {
        guard let limit = plan.schedule.maxStaleness, let freshAt = state.withLock({ $0.freshAt }) else { return nil }
        return freshAt + limit
    }

    // MARK: - The first load

    package func prepare(_ context: CommitContext) throws {
        var pause = LookupLimits.pauseFirst
        while true {
            do {
                // What changes while it is read is heard of.
                try listener?.subscribe(context)
                try load(context)
                context.report(trouble: nil)
                return
            } catch let error where isPatient && Self.mayPass(error) {
                if context.isCancelled { throw WaitCancelled() }
                context.report(trouble: "\(error)")
            }
            try context.pause(pause)
            pause = min(pause * 2, LookupLimits.pauseLongest)
        }
    }

    /// A database may be away for a while. A file that is not there is a mistake, or comes with the next start.
    private static func mayPass(_ error: any Error) -> Bool { (error as? LookupError)?.isRetryable ?? false }

    // MARK: - Refreshes

    package func run(_ context: CommitContext) throws {
        var failure: String?
        var pause = LookupLimits.pauseFirst
        var wanted = ContinuousClock.now + plan.schedule.every
        while !context.isCancelled {
            try wait(until: wanted, context)
            if context.isCancelled { break }
            do {
                try checkAge(after: failure)
                try load(context)
                if failure != nil { context.report(trouble: nil) }
                (failure, pause) = (nil, LookupLimits.pauseFirst)
                wanted = .now + plan.schedule.every
            } catch is WaitCancelled {
                break
            } catch let error as LookupError where error.code == .stale {
                throw error
            } catch {
                if context.isCancelled { break }
                failure = "\(error)"
                try checkAge(after: failure)
                context.report(trouble: "the content from before stays in use: \(error)")
                wanted = .now + min(pause, plan.schedule.every)
                pause = min(pause * 2, LookupLimits.pauseLongest)
            }
        }
    }

    /// Waits until it is time, somebody says that there is something new, the content is too old, or the pipeline ends.
    private func wait(until wanted: ContinuousClock.Instant, _ context: CommitContext) throws {
        let end = staleAt.map { min($0, wanted) } ?? wanted
        while !context.isCancelled, .now < end {
            guard let listener else {
                do { try context.pause(end - .now) } catch { return }
                continue
            }
            if listener.hears(until: min(end, .now + LookupLimits.listenSlice), context) { return }
        }
    }

    private func checkAge(after failure: String?) throws(LookupError) {
        guard let limit = plan.schedule.maxStaleness, isStale else { return }
        let reason = failure.map { "; the last try failed: \($0)" } ?? ""
        throw LookupError(
            .stale,
            "node \(plan.node): the content of \(plan.origin.name) is older than max_staleness (\(limit.components.seconds) s), so "
                + "nothing more is joined to it\(reason); records since the last commit are read again at the next start"
        )
    }

    // MARK: - One load

    private func load(_ context: CommitContext) throws {
        let begun = ContinuousClock.now
        let before = state.withLock { $0.generation }
        let watch = LoadWatch(begun: begun, staleAt: staleAt, of: plan.origin.name, context)
        let generation = try store.load(accept: { try self.accept($0, after: before) }, isCancelled: watch.look)
        watch.conclude()
        state.withLock { state in
            state.freshAt = begun
            state.generation = generation
        }
        guard generation.digest != before?.digest else { return }
        var metadata: Logger.Metadata = [
            "node": "\(plan.node)", "source": "\(plan.origin.name)", "rows": "\(generation.rows)",
            "generation": "\(generation.digest.prefix(12))",
            "took": "\(Int((ContinuousClock.now - begun) / .milliseconds(1))) ms",
        ]
        if generation.rowsIgnored > 0 { metadata["rows_ignored"] = "\(generation.rowsIgnored)" }
        logger.notice(before == nil ? "Lookup loaded" : "Lookup refreshed", metadata: metadata)
        if generation.rows == 0 { logger.warning("A lookup has no rows", metadata: metadata) }
    }

    /// Whoever fills a table by emptying it first shows it empty for a moment, and most who empty one did not mean to.
    private func accept(_ new: Generation, after before: Generation?) throws(LookupError) {
        guard let before, before.rows > 0, new.rows == 0 else { return }
        throw LookupError(
            .empty,
            "node \(plan.node): \(plan.origin.name) has no rows any more, and had \(before.rows); put rows in, or restart if it is "
                + "meant to be empty", isRetryable: true)
    }
}

/// Looks after one load: says that it takes long, and ends it when the pipeline stops or what is in use is too old.
private final class LoadWatch: Sendable {
    private let begun: ContinuousClock.Instant
    private let staleAt: ContinuousClock.Instant?
    private let name: String
    private let context: CommitContext
    private let hasSpoken = Atomic(false)

    init(
        begun: ContinuousClock.Instant, staleAt: ContinuousClock.Instant?, of name: String, _ context: CommitContext
    ) {
        self.begun = begun
        self.staleAt = staleAt
        self.name = name
        self.context = context
    }

    /// Whether the load is to end.
    @Sendable func look() -> Bool {
        let now = ContinuousClock.now
        if now - begun > LookupLimits.quietLoad, !hasSpoken.exchange(true, ordering: .relaxed) {
            context.report(
                trouble:
                    "reading \(name) has taken \((now - begun).components.seconds) s so far; is it locked, or very large?"
            )
        }
        return context.isCancelled || staleAt.map { now > $0 } ?? false
    }

    func conclude() {
        if hasSpoken.load(ordering: .relaxed) { context.report(trouble: nil) }
    }
}
