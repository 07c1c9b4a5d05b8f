/// A partition that a source of this process owns, or owned.
struct PartitionState {
    let key: PartitionKey
    /// Stands for the key in batches.
    let identity: UInt64
    var source: Int
    var ownerEpoch: Int64
    /// How the database names whoever claimed it with this owner epoch, nil when that is not known.
    var owner: String?
    /// The cluster it is of, nil when none is known.
    var origin: String?
    /// Where the next admitted run must begin, nil before `begin`.
    var next: Int64?
    /// What the database holds as far as we know.
    var committed: Int64?
    /// Where it began in this process, nil when it had been read before.
    var start: Int64?
    var isActive = true
    /// The clock that the database had when it was claimed, read again, or set elsewhere by a person.
    private(set) var clock: EventClock?
    /// Whether no run was admitted since it was claimed, read again or set elsewhere.
    private var isFresh = true
    /// Where the log ended when the source looked last.
    var logEnd: Int64?

    /// Messages handed over and not committed.
    private(set) var pending: Int64 = 0
    /// Records worked on and not committed.
    private(set) var settled: Int64 = 0
    /// Records that were dropped and have not been read again.
    private(set) var owed: Int64 = 0
    /// Where the last of them ends; nil when there are none.
    private var owedTo: Int64?
    /// Whether a run did not begin where this partition stands, and nothing of it was committed since.
    var isMisplaced = false
    /// The last check that met the partition, and where it stands after it.
    var check: UInt64 = 0
    var checkedNext: Int64 = 0

    /// A partition as it was claimed.
    init(_ partition: ClaimedPartition, source: Int) {
        key = partition.key
        identity = partition.key.identity
        self.source = source
        ownerEpoch = partition.ownerEpoch
        owner = partition.owner
        origin = partition.origin
        next = partition.nextOffset
        committed = partition.nextOffset
        clock = partition.clock
    }

    /// Whether the next run is the first since the partition was claimed, read again or set elsewhere; true once.
    mutating func takeFresh() -> Bool {
        defer { isFresh = false }
        return isFresh
    }

    /// The partition as it stands in the database; nil when it is not ours or was never read.
    var standing: ClaimedPartition? {
        guard isActive, let committed else { return nil }
        return ClaimedPartition(key: key, ownerEpoch: ownerEpoch, nextOffset: committed, tail: nil)
    }

    /// Whether the row in the database is what our claim made of it. After a restore two instances may have the same owner
    /// epoch.
    func isStillOurs(_ row: ClaimedPartition) -> Bool {
        row.ownerEpoch == ownerEpoch && (row.owner == nil || owner == nil || row.owner == owner)
    }

    /// Whether the database holds everything that was handed over of it.
    var isCommitted: Bool { next == committed }

    /// Moves over an admitted run of so many messages.
    mutating func advance(_ run: BatchRun, _ messages: Int64, in ledger: inout EpochLedger) {
        guard let next else {
            preconditionFailure("messages of \(key) were admitted before its position was known")
        }
        ledger.advances[
            run.partition, default: PartitionAdvance(key: key, ownerEpoch: ownerEpoch, from: next)
        ].move(to: run.nextOffset, tail: run.tail, messages: messages)
        self.next = run.nextOffset
        pending += messages
    }

    /// So many of its records were worked on.
    mutating func settle(_ records: Int64) {
        settled += records
        owed = max(0, owed - records)
    }

    /// An epoch is in the database.
    mutating func book(_ advance: PartitionAdvance) {
        pending = max(0, pending - advance.messages)
        settled = max(0, settled - advance.counters.read)
        guard ownerEpoch == advance.ownerEpoch else { return }
        committed = advance.to
        isMisplaced = false
        lookAtDebt()
    }

    /// Everything not committed was dropped. What is someone else's by now, that one reads.
    mutating func loseUncommitted() {
        owed += settled
        settled = 0
        owedTo = owed > 0 ? max(owedTo ?? 0, next ?? 0) : nil
        if !isActive { oweNothing() }
    }

    /// What was dropped is nothing that this process has to read.
    mutating func oweNothing() {
        owed = 0
        owedTo = nil
    }

    /// What was dropped when it stood elsewhere is to be read again.
    mutating func takeDebt(of old: PartitionState) {
        (owed, owedTo) = (old.owed, old.owedTo)
        lookAtDebt()
    }

    /// Its log ends here now, or nothing behind this is what it was: what was dropped of that, nobody can read again.
    mutating func note(end: Int64) {
        owedTo = owedTo.map { min($0, end) }
        lookAtDebt()
    }

    /// It goes on where a person has set it, with the clock that is there. Nothing of it is on the way.
    mutating func move(to row: ClaimedPartition) {
        next = row.nextOffset
        committed = row.nextOffset
        clock = row.clock
        isFresh = true
        lookAtDebt()
    }

    /// Everything that was dropped is committed, whoever did that, or gone: a log may have lost records in between.
    private mutating func lookAtDebt() {
        if let committed, let owedTo, committed >= owedTo { oweNothing() }
    }
}

/// Two sources of a topology read the same partition or file.
struct ReadTwice: Error, CustomStringConvertible {
    var key: PartitionKey
    var sources: [String]

    var description: String {
        "\(key) is read by the sources \(sources.joined(separator: " and ")), expected one source for it; let several nodes "
            + "read from one source"
    }
}

/// A source handed over records that do not follow on those before: some are missing in between, or come twice.
struct MisplacedRun: Error, CustomStringConvertible {
    var key: PartitionKey
    /// Where the run begins; nil when the source does not say.
    var found: Int64?
    /// Where it ends.
    var to: Int64
    /// Where it should have begun; nil when nothing of the partition was expected.
    var expected: Int64?

    var description: String {
        let records = "records from offset \(found.map(String.init) ?? "unknown") to \(to)"
        let wanted =
            expected.map { "those from offset \($0) were expected" }
            ?? "none were expected, for it is not this source's or its position is not known"
        return
            "\(key): \(records) came where \(wanted); they were not counted, and everything since the last commit is "
            + "read again"
    }
}

/// A partition that a source believes to be its own and that another instance has claimed.
struct Takeover {
    var source: Int
    /// Who claimed it, as far as known.
    var owner: String?
    /// Whether the source was told that it may be claimed.
    var isTold = false
}

extension PipelineState {
    /// Makes partitions ours.
    /// - Parameter isRewound: whether they were ours before and are only set back.
    mutating func register(
        _ claimed: [ClaimedPartition], source: Int, isRewound: Bool
    ) -> [(index: Int, partition: ClaimedPartition)] {
        claimed.map { partition in
            var fresh = PartitionState(partition, source: source)
            takeovers[partition.key] = nil
            guard let index = partitions.firstIndex(where: { $0.key == partition.key }) else {
                partitions.append(fresh)
                return (partitions.count - 1, partition)
            }
            let old = partitions[index]
            fresh.start = old.start
            fresh.isMisplaced = old.isMisplaced
            fresh.owner = fresh.owner ?? old.owner
            if isRewound {
                fresh.takeDebt(of: old)
                fresh.origin = fresh.origin ?? old.origin
            }
            partitions[index] = fresh
            return (index, partition)
        }
    }

    /// Notes that another instance has claimed a partition of ours. What it holds is read by that one.
    mutating func takeOver(_ row: ClaimedPartition, patience: Duration, _ now: ContinuousClock.Instant) {
        guard let index = partitions.firstIndex(where: { $0.key == row.key }) else { return }
        partitions[index].isActive = false
        partitions[index].oweNothing()
        takeovers[row.key] = Takeover(source: partitions[index].source, owner: row.owner)
        takeoverWatches[row.key, default: TakeoverWatch(patience: patience, at: now)].takenOver(at: now)
    }

    /// Forgets a partition that was given back, or is someone else's.
    mutating func release(_ index: Int) {
        partitions[index].isActive = false
        partitions[index].oweNothing()
        takeovers[partitions[index].key] = nil
    }

    /// When partitions that were taken over should be looked at; nil when there are none, or all are decided.
    var nextTakeoverLook: ContinuousClock.Instant? {
        let undecided = takeovers.keys.compactMap { takeoverWatches[$0] }.filter { !$0.isClaimable }
        return undecided.map(\.interval).min().map { lastTakeoverLook + $0 }
    }

    /// The partitions taken over, when it is time to look at them.
    mutating func takenOverToLookAt(_ now: ContinuousClock.Instant) -> [PartitionKey]? {
        guard !takeovers.isEmpty, let next = nextTakeoverLook, now >= next else { return nil }
        lastTakeoverLook = now
        return Array(takeovers.keys)
    }

    /// Takes note of what the database says about partitions that were taken over.
    mutating func look(at keys: [PartitionKey], rows: [ClaimedPartition], _ now: ContinuousClock.Instant) {
        for key in keys {
            let row = rows.first { $0.key == key }
            if let owner = row?.owner { takeovers[key]?.owner = owner }
            takeoverWatches[key]?.look(row, at: now)
        }
    }

    /// Partitions of a source that may be claimed again; each is named once.
    mutating func takeClaimable(_ source: Int) -> [PartitionKey] {
        guard !takeovers.isEmpty else { return [] }
        let keys = takeovers.filter {
            $0.value.source == source && !$0.value.isTold && takeoverWatches[$0.key]?.isClaimable == true
        }.map(\.key)
        for key in keys { takeovers[key]?.isTold = true }
        return keys.sorted()
    }

    /// What is in the way of reading partitions that were taken over, as a phrase.
    var takeoverTrouble: String? {
        guard let first = takeovers.min(by: { $0.key < $1.key }) else { return nil }
        let others = takeovers.count > 1 ? " (and \(takeovers.count - 1) more)" : ""
        return LostPartition(key: first.key, owner: first.value.owner).trouble + others
    }
}
