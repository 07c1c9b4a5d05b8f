import Synchronization

/// What one node of this process may use of the permits that all processes of its topology share.
///
/// Asked for every batch, and never waits. How much is lent to it changes on the thread of a ``PermitLender``; without one
/// (a topology that has no database, or is only tried out) the process has all permits for itself.
public final class PermitGate: Sendable {
    /// Who takes permits.
    public enum Taker: Sendable {
        /// The engine, for each batch in the node.
        case engine
        /// The node, for whatever it runs; the engine only keeps batches out while there is none.
        case node
    }

    /// What a lender decides by.
    public struct Need: Sendable, Equatable {
        /// Permits over all processes, as this process was told.
        public var limit: Int
        /// Permits in use, whether or not there is work for them.
        public var used: Int
        /// How many it could use now.
        public var wish: Int
        /// The most that it could have used at a time since it was asked last.
        public var peak: Int

        /// Creates a value.
        public init(limit: Int, used: Int = 0, wish: Int = 0, peak: Int = 0) {
            (self.limit, self.used, self.wish, self.peak) = (limit, used, wish, peak)
        }
    }

    /// What a lender has decided.
    public struct Loan: Sendable, Equatable {
        /// Permits over all processes, as they agree.
        public var limit: Int
        /// Permits that are this process's, and nobody else's.
        public var held: Int
        /// How many of them it may go on using; what is in use beyond that is to be given back as soon as its work is done.
        public var allowed: Int
        /// Others that have some.
        public var others: [PermitHolder]

        /// Creates a value.
        public init(limit: Int, held: Int = 0, allowed: Int = 0, others: [PermitHolder] = []) {
            (self.limit, self.held, self.allowed, self.others) = (limit, held, allowed, others)
        }
    }

    private struct State {
        var told: Int
        /// Nil without a lender.
        var loan: Loan?
        /// From then on nothing that was lent counts; nil while nothing is lent.
        var goodUntil: ContinuousClock.Instant?
        var trouble: String?
        var used = 0
        /// Of those in use, how many have nothing to do.
        var idle = 0
        /// Batches that could go in, and what the node could use beside.
        var queued = 0
        var unmet = 0
        var peak = 0
        var waitsSince: ContinuousClock.Instant?
        var onNews: [@Sendable () -> Void] = []
        var onEnd: (@Sendable () -> Void)?
        var onNeed: (@Sendable () -> Void)?
    }

    /// The node's name.
    public let node: String
    /// Who takes permits.
    public let taker: Taker
    /// The most that this process may use whatever the others do; nil when the node has no `concurrency`.
    public let own: Int?
    private let state: Mutex<State>

    /// A gate through which nothing goes until a lender has lent something, or ``open()`` was called.
    /// - Parameters:
    ///   - limit: permits over all processes.
    ///   - own: the most in this process, nil for as many.
    public init(node: String, limit: Int, own: Int?, taker: Taker) {
        (self.node, self.own, self.taker) = (node, own, taker)
        state = Mutex(State(told: limit, loan: Loan(limit: limit)))
    }

    /// Nobody lends: all permits are this process's.
    public func open() { state.withLock { $0.loan = nil } }

    // MARK: - Taking

    /// Whether a batch may go into the node. The engine's permit is taken with it.
    /// - Parameters:
    ///   - active: batches in the node.
    ///   - queued: batches in front of it, this one among them.
    func admit(active: Int, queued: Int) -> Bool {
        change { state in
            state.queued = queued
            let isFree = taker == .engine ? state.used < ceiling(state) : active < ceiling(state)
            guard isFree else { return false }
            state.queued -= 1
            if taker == .engine { state.used += 1 }
            return true
        }
    }

    /// A batch has left the node.
    /// - Parameter queued: batches in front of it.
    func leave(queued: Int) {
        change { state in
            state.queued = queued
            if taker == .engine { state.used -= 1 }
        }
    }

    /// So many batches are in front of the node.
    func note(queued: Int) { change { $0.queued = queued } }

    /// Takes a permit for something that the node runs.
    /// - Returns: false while there is none.
    public func take() -> Bool {
        change { state in
            guard state.used < ceiling(state) else { return false }
            state.used += 1
            return true
        }
    }

    /// A permit of `take` is no longer used.
    public func giveBack() { change { $0.used -= 1 } }

    /// Of the permits that the node has taken, so many have nothing to do, and it could use so many more.
    public func note(idle: Int, unmet: Int) { change { ($0.idle, $0.unmet) = (idle, unmet) } }

    /// The most that may be in use in this process when all others are idle.
    public var size: Int { state.withLock { size($0) } }

    /// Whether what was lent counts: otherwise whatever uses a permit must end.
    public var isGood: Bool {
        state.withLock { $0.loan == nil || ($0.goodUntil.map { ContinuousClock.now < $0 } ?? false) }
    }

    /// How many of the permits in use are to be given back.
    public var excess: Int { state.withLock { max(0, $0.used - ceiling($0)) } }

    private func size(_ state: State) -> Int {
        let limit = state.loan?.limit ?? state.told
        return max(1, min(own ?? limit, limit))
    }

    /// How many may be in use now.
    private func ceiling(_ state: State) -> Int {
        guard let loan = state.loan else { return size(state) }
        guard let end = state.goodUntil, ContinuousClock.now < end else { return 0 }
        return min(loan.allowed, size(state))
    }

    private func wish(_ state: State) -> Int {
        max(0, min(size(state), state.used - state.idle + state.queued + state.unmet))
    }

    /// Takes note of since when there is work and no permit.
    private func noteWait(_ state: inout State) {
        let isWaiting = wish(state) > 0 && ceiling(state) == 0
        if !isWaiting { state.waitsSince = nil } else if state.waitsSince == nil { state.waitsSince = .now }
    }

    /// Changes figures, and wakes the lender when it has something to do for them.
    @discardableResult
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, wake) = state.withLock { state -> (Result, (@Sendable () -> Void)?) in
            let before = (wish: wish(state), used: state.used)
            let result = body(&state)
            let now = wish(state)
            state.peak = max(state.peak, now)
            guard let loan = state.loan else { return (result, nil) }
            noteWait(&state)
            // It lends more, or takes back what is free now.
            let wantsMore = now > loan.held && now > before.wish
            let givesBack = state.used < before.used && loan.held > loan.allowed
            return (result, wantsMore || givesBack ? state.onNeed : nil)
        }
        wake?()
        return result
    }

    // MARK: - Lending

    /// What there is to know for whoever lends; the peak begins anew.
    public func takeNeed() -> Need {
        state.withLock { state in
            let wish = wish(state)
            defer { state.peak = wish }
            return Need(limit: state.told, used: state.used, wish: wish, peak: max(state.peak, wish))
        }
    }

    /// Lends.
    /// - Parameter end: from then on nothing of it counts, unless it is lent again.
    public func lend(_ loan: Loan, until end: ContinuousClock.Instant) {
        tell { state in
            let before = ceiling(state)
            (state.loan, state.goodUntil) = (loan, end)
            noteWait(&state)
            let isExceeded = state.used > ceiling(state)
            return ceiling(state) != before || isExceeded
        }
    }

    /// Nothing is lent any more: what is in use ends at once, if it can.
    public func withdraw() {
        let (news, end) = state.withLock { state in
            state.goodUntil = nil
            state.loan?.held = 0
            state.loan?.allowed = 0
            noteWait(&state)
            return (state.onNews, state.onEnd)
        }
        end?()
        for tell in news { tell() }
    }

    /// Permits over all processes, from now on.
    public func tell(limit: Int) {
        let wake = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.told != limit else { return nil }
            state.told = limit
            return state.onNeed
        }
        wake?()
    }

    /// Takes note of what stands in the way of lending, nil for nothing.
    /// - Returns: what did before.
    func report(_ trouble: String?) -> String? {
        state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble
        }
    }

    private func tell(_ body: (inout State) -> Bool) {
        for tell in state.withLock({ body(&$0) ? $0.onNews : [] }) { tell() }
    }

    // MARK: - Who listens

    /// Is called, on the lender's thread, when more or fewer may be in use than before.
    public func onNews(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.onNews.append(tell) } }

    /// Is called, on the lender's thread, when nothing may be in use any more: what was lent may soon be somebody else's.
    public func onEnd(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.onEnd = tell } }

    /// Is called when the lender has something to do, from any thread and under locks: it must return at once.
    public func onNeed(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.onNeed = wake } }

    /// Wakes the lender.
    func wake() { state.withLock { $0.onNeed }?() }

    /// The gate at this moment.
    var snapshot: PermitSnapshot {
        state.withLock { state in
            let loan = state.loan
            return PermitSnapshot(
                limit: loan?.limit ?? state.told, told: state.told, held: loan?.held ?? size(state), used: state.used,
                wish: wish(state), others: loan?.others ?? [],
                waited: state.waitsSince.map { .now - $0 }, trouble: state.trouble)
        }
    }
}

/// A process that has permits.
public struct PermitHolder: Sendable, Equatable {
    /// As it names itself.
    public var instance: String
    /// How many it has.
    public var held: Int
    /// Whether its session with the database is gone: then they are free after a while.
    public var isGone: Bool

    /// Creates a value.
    public init(instance: String, held: Int, isGone: Bool = false) {
        (self.instance, self.held, self.isGone) = (instance, held, isGone)
    }
}

/// The permits of a node at one moment.
public struct PermitSnapshot: Sendable, Equatable {
    /// Permits over all processes, as they agree.
    public var limit: Int
    /// The same as this process was told last.
    public var told: Int
    /// Those that are this process's.
    public var held: Int
    /// Of them, those in use.
    public var used: Int
    /// How many it could use.
    public var wish: Int
    /// Others that have some.
    public var others: [PermitHolder]
    /// How long it has had work and no permit; nil while it has one, or no work.
    public var waited: Duration?
    /// What stands in the way of lending.
    public var trouble: String?

    /// Who has the permits that it waits for, as the end of a sentence.
    public var holders: String {
        guard !others.isEmpty else { return "none is lent to another process" }
        return others.map {
            "\($0.held) \($0.held == 1 ? "is" : "are") lent to \($0.instance)"
                + ($0.isGone ? ", whose session is gone" : "")
        }.joined(separator: ", ")
    }
}

/// Lends the permits that all processes of a topology share to the nodes of one of them.
public protocol PermitLender: Sendable {
    /// Lends for as long as `context` is not cancelled, then takes everything back. Blocks its thread.
    ///
    /// What is lent to a gate is nobody else's until the gate's loan ends. `context` is cancelled when nothing is in use any
    /// more; the gates are woken then.
    /// - Throws: what makes lending impossible, and stops the pipeline.
    func lend(to gates: [PermitGate], _ context: CommitContext) throws
}
