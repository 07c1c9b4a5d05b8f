/// Where epochs go: positions, ledger, tables and dead letters in one transaction.
///
/// Every call blocks its thread. `claim` is called on source threads, `commit` on the commit thread, possibly at the
/// same time.
public protocol CommitTarget: AnyObject, Sendable {
    /// The partitions of this topology whose topics begin with `topicPrefix`, whoever owns them, as they stand.
    func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition]

    /// Makes the partitions ours: from now on a commit by an earlier owner is refused. Committed at once.
    /// - Throws: when the database refuses for good, or `context.isCancelled` while it is away.
    ///
    /// - Parameter origin: the cluster the partitions are of, nil for files. Remembered with a partition's first claim.
    func claim(_ keys: [PartitionKey], origin: String?, _ context: CommitContext) throws -> [ClaimedPartition]

    /// Records where partitions that were never read begin, so that a restart begins there too. Committed at once.
    func begin(_ partitions: [ClaimedPartition], _ context: CommitContext) throws

    /// Records where the partitions of topics begin of which no position is recorded yet: for each topic all that are given,
    /// or, when somebody was first, none. Committed at once.
    func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws

    /// Reads partitions as they stand, without taking them; the owner epoch tells whose they are. A partition without a row
    /// is missing in the answer.
    ///
    /// A target answers `positions` or `owned`, each of which has a default by the other.
    func positions(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition]

    /// Reads the partitions that are still ours, as they stand.
    func owned(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition]

    /// Whether other instances write the same tables, so that a commit begins with waiting for one's turn. Asked under a lock,
    /// whenever an epoch is due.
    var wantsTurn: Bool { get }

    /// Waits for the turn to write. The epoch is sealed after that, so it grows meanwhile, and what it holds waits once; `commit`
    /// ends the turn. A target that loses a turn waits for another in `commit`.
    func takeTurn(_ context: CommitContext) throws

    /// Lets the next one write: there is nothing to commit after all.
    func passTurn()

    /// Writes one epoch, whole or not at all. Retries by itself what may pass.
    /// - Throws: what cannot pass; nothing was written.
    func commit(_ epoch: ClosedEpoch, _ context: CommitContext) throws -> CommitOutcome

    /// Checks that the database still holds what was committed, if there is reason to doubt it: after a failover or a
    /// restore the connection is a new one. Called on the commit thread while nothing is to be written; asks nothing of
    /// the database while the connection stands.
    func confirm(_ standing: [ClaimedPartition], _ context: CommitContext) throws -> CommitOutcome

    /// What is run after commits; nothing for most targets. Asked by any thread.
    var steps: [StepSnapshot] { get }

    /// Lends permits that all processes share; nil for a target that only this process has.
    var permits: (any PermitLender)? { get }

    /// Ends the connections. Called once, last.
    func close()
}

extension CommitTarget {
    /// A target that keeps nothing knows none.
    public func known(topicPrefix: String, _ context: CommitContext) throws -> [ClaimedPartition] { [] }

    /// Records nothing: partitions begin where their first claim says.
    public func found(_ partitions: [ClaimedPartition], _ context: CommitContext) throws {}

    /// Nothing is run.
    public var steps: [StepSnapshot] { [] }

    /// Nobody lends.
    public var permits: (any PermitLender)? { nil }

    /// Nobody else writes.
    public var wantsTurn: Bool { false }

    /// Nobody else writes.
    public func takeTurn(_ context: CommitContext) throws {}

    /// Nobody else writes.
    public func passTurn() {}

    /// Those that are ours, for want of better knowledge.
    public func positions(
        _ partitions: [ClaimedPartition], _ context: CommitContext
    ) throws -> [ClaimedPartition] { try owned(partitions, context) }

    /// Those whose owner epoch is ours.
    public func owned(_ partitions: [ClaimedPartition], _ context: CommitContext) throws -> [ClaimedPartition] {
        let ours = Dictionary(partitions.map { ($0.key, $0.ownerEpoch) }, uniquingKeysWith: { first, _ in first })
        return try positions(partitions, context).filter { ours[$0.key] == $0.ownerEpoch }
    }
}

/// A blocking call gave up because the pipeline is stopping. Nothing is lost: what was not committed is read again.
public struct WaitCancelled: Error, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// What it means for the user.
    public var description: String {
        "stopped while waiting; the next run reads on from the last commit"
    }
}

/// A pipeline ended before everything it had read was committed. Nothing is lost: the next run reads it again.
public struct UncommittedRecords: Error, CustomStringConvertible {
    /// How many records were read and not committed.
    public var count: Int64
    /// Threads that did not end in time, by what they do.
    public var hanging: [String]

    /// Creates the error.
    public init(count: Int64, hanging: [String] = []) {
        self.count = count
        self.hanging = hanging
    }

    /// What it means for the user.
    public var description: String {
        let wait = hanging.isEmpty ? "" : " (gave up waiting for: \(hanging.joined(separator: ", ")))"
        return "stopped with \(count) records read and not committed\(wait); the next run reads them again"
    }
}

/// What became of a commit.
public enum CommitOutcome: Sendable, Equatable {
    /// Everything is in the database, exactly once.
    case committed
    /// Nothing is: another instance owns a partition, or the database was restored to an earlier state.
    case fenced(reason: String)
    /// Nothing is: the database refuses rows of the epoch for what they hold. Read again, their records become dead
    /// letters and everything else can be committed.
    case refused(reason: String)
}

/// A partition that is ours, and where it continues.
public struct ClaimedPartition: Sendable, Hashable {
    /// The partition.
    public var key: PartitionKey
    /// The fencing number: the database refuses commits with a lower one.
    public var ownerEpoch: Int64
    /// The first offset not yet in the tables; nil when the partition was never read.
    public var nextOffset: Int64?
    /// The last record in the tables.
    public var tail: Tail?
    /// The cluster the position belongs to, nil when none is known.
    public var origin: String?
    /// The process that claimed it last, as it names itself; nil when that is not known.
    public var owner: String?
    /// How far in event time it has got; nil when nobody kept that.
    public var clock: EventClock?

    /// Creates a claimed partition.
    public init(
        key: PartitionKey, ownerEpoch: Int64, nextOffset: Int64?, tail: Tail?, origin: String? = nil,
        owner: String? = nil, clock: EventClock? = nil
    ) {
        self.clock = clock
        self.origin = origin
        self.owner = owner
        self.key = key
        self.ownerEpoch = ownerEpoch
        self.nextOffset = nextOffset
        self.tail = tail
    }
}

/// One epoch on its way to the database.
public struct ClosedEpoch: Sendable {
    /// The epoch's number in this process.
    public var number: UInt64
    /// How far each partition moves, sorted by key.
    public var advances: [PartitionAdvance]
    /// The other partitions that are ours, as they stand: a database that was restored has lost them too.
    public var standing: [ClaimedPartition]
    /// The groups of each summarizing node, by node index; absent where nothing was gathered.
    public var deltas: [Int: any Delta]
    /// Records that could not be used; `partition` indexes `partitionKeys`.
    public var deadLetters: [DeadLetter]
    /// The keys behind the partition indices of the dead letters.
    public var partitionKeys: [PartitionKey]

    /// Creates a closed epoch.
    public init(
        number: UInt64, advances: [PartitionAdvance], standing: [ClaimedPartition], deltas: [Int: any Delta],
        deadLetters: [DeadLetter],
        partitionKeys: [PartitionKey]
    ) {
        self.number = number
        self.advances = advances
        self.standing = standing
        self.deltas = deltas
        self.deadLetters = deadLetters
        self.partitionKeys = partitionKeys
    }
}

/// What a blocking call of a target may ask of the pipeline, and tell it.
public struct CommitContext: Sendable {
    private let cancelled: @Sendable () -> Bool
    private let trouble: @Sendable (String?) -> Void
    private let wait: @Sendable (Duration) -> Void
    private let nodeTrouble: @Sendable (String?, _ node: String) -> Void

    /// Creates a context.
    public init(
        isCancelled: @escaping @Sendable () -> Bool, reportTrouble: @escaping @Sendable (String?) -> Void,
        wait: @escaping @Sendable (Duration) -> Void,
        reportTroubleOfNode: @escaping @Sendable (String?, _ node: String) -> Void = { _, _ in }
    ) {
        cancelled = isCancelled
        trouble = reportTrouble
        self.wait = wait
        nodeTrouble = reportTroubleOfNode
    }

    /// Whether the pipeline gave up waiting.
    public var isCancelled: Bool { cancelled() }

    /// Says what the target waits for, nil when it is over. Shown to the user and logged on change.
    public func report(trouble text: String?) { trouble(text) }

    /// Says what one node waits for, nil when it is over.
    public func report(trouble text: String?, of node: String) { nodeTrouble(text, node) }

    /// Waits before another try.
    /// - Throws: `WaitCancelled` when the pipeline gave up.
    public func pause(_ duration: Duration) throws(WaitCancelled) {
        if isCancelled { throw WaitCancelled() }
        wait(duration)
        if isCancelled { throw WaitCancelled() }
    }
}
