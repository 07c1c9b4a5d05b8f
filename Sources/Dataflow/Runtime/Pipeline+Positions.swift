import Logging
import Platform

/// Where partitions stand, and whose they are.
extension Pipeline {
    /// Takes partitions over in the database. A partition that the database says was never read although it was begun in
    /// this process, as after a restore, begins where it began then.
    func claim(_ keys: [PartitionKey], origin: String?, source: Int) throws -> [(
        index: Int, partition: ClaimedPartition
    )] {
        let claimed = try plan.target.claim(keys.sorted(), origin: origin, stoppableContext)
        let registered = try register(claimed, source: source, isRewound: false)
        return try beginAgain(registered)
    }

    private func beginAgain(
        _ claimed: [(index: Int, partition: ClaimedPartition)]
    ) throws -> [(index: Int, partition: ClaimedPartition)] {
        let starts = monitor.withLock { state in
            claimed.filter { $0.partition.nextOffset == nil }.compactMap { claim in
                state.partitions[claim.index].start.map { (index: claim.index, offset: $0) }
            }
        }
        try begin(starts)
        return claimed.map { claim in
            guard let start = starts.first(where: { $0.index == claim.index }) else { return claim }
            var partition = claim.partition
            partition.nextOffset = start.offset
            return (claim.index, partition)
        }
    }

    /// Refuses keys that another source has: each partition has one position, so it is read by one source.
    func checkNobodyReads(_ keys: [PartitionKey], but source: Int) throws(ReadTwice) {
        let wanted = Set(keys)
        let other = monitor.withLock { state in
            state.partitions.first { $0.isActive && $0.source != source && wanted.contains($0.key) }
        }
        guard let other else { return }
        let names = [other.source, source].sorted().map { plan.sources[$0].name }
        throw ReadTwice(key: other.key, sources: names)
    }

    private func register(
        _ claimed: [ClaimedPartition], source: Int, isRewound: Bool
    ) throws(ReadTwice) -> [(index: Int, partition: ClaimedPartition)] {
        // Two sources may have claimed at the same time.
        try checkNobodyReads(claimed.map(\.key), but: source)
        return monitor.withLock { $0.register(claimed, source: source, isRewound: isRewound) }
    }

    /// Stores where partitions begin that were never read.
    func begin(_ starts: [(index: Int, offset: Int64)]) throws {
        guard !starts.isEmpty else { return }
        let partitions = monitor.withLock { state in
            starts.map { start in
                let partition = state.partitions[start.index]
                return ClaimedPartition(
                    key: partition.key, ownerEpoch: partition.ownerEpoch, nextOffset: start.offset, tail: nil)
            }
        }
        try plan.target.begin(partitions, stoppableContext)
        monitor.withLock { state in
            for start in starts {
                state.partitions[start.index].next = start.offset
                state.partitions[start.index].committed = start.offset
                state.partitions[start.index].start = start.offset
            }
        }
    }

    /// Asks the database where a source's partitions stand. What the answer is worth, `RewindMachine` says: when everything
    /// is dropped again meanwhile, it is asked anew.
    func reclaim(source: Int) throws -> Reclaimed {
        while true {
            let mine = try beginReclaim(source)
            let (kept, takenOver) = try whatIsOurs(of: mine)
            let registered: [(index: Int, partition: ClaimedPartition)]? = monitor.update { state in
                let registered = state.register(kept, source: source, isRewound: true)
                for row in takenOver { state.takeOver(row, patience: plan.settings.takeoverPatience, schedule.now) }
                return state.rewind.endReclaim(source) ? registered : nil
            }
            for row in takenOver { logTakeover(row) }
            guard let registered else { continue }
            return Reclaimed(
                owned: try beginAgain(registered), lost: takenOver.map { LostPartition(key: $0.key, owner: $0.owner) })
        }
    }

    /// The partitions of a source, when a rewind is due for it. A source that asks on its own account has everything dropped.
    private func beginReclaim(_ source: Int) throws -> [PartitionState] {
        let isUnasked = monitor.withLock { $0.rewind.admits(source) }
        if isUnasked { drop() }
        let mine: [PartitionState]? = try monitor.wait { state in
            if state.life.hasGivenUp { throw WaitCancelled() }
            guard state.rewind.isDue(source) else { return nil }
            state.rewind.beginReclaim(source)
            return state.partitions.filter { $0.source == source && $0.isActive }
        }
        return (mine ?? []).sorted { $0.key < $1.key }
    }

    /// Divides partitions into those that are ours and those that another instance has claimed.
    ///
    /// A row that is gone, or whose owner epoch is lower than ours, is that of a database which was restored: our claim is
    /// undone and nobody has made one since, so it is made again. That cannot go on for ever between two instances: each of
    /// these claims raises the owner epoch, which only has to reach the highest one.
    private func whatIsOurs(
        of mine: [PartitionState]
    ) throws -> (kept: [ClaimedPartition], takenOver: [ClaimedPartition]) {
        guard !mine.isEmpty else { return ([], []) }
        let asked = mine.map {
            ClaimedPartition(key: $0.key, ownerEpoch: $0.ownerEpoch, nextOffset: $0.next, tail: nil)
        }
        let found = try plan.target.positions(asked, stoppableContext)
        let rows = Dictionary(found.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var (kept, takenOver): ([ClaimedPartition], [ClaimedPartition]) = ([], [])
        var undone: [String?: [PartitionKey]] = [:]
        for partition in mine {
            guard let row = rows[partition.key], row.ownerEpoch >= partition.ownerEpoch else {
                undone[partition.origin, default: []].append(partition.key)
                continue
            }
            if partition.isStillOurs(row) { kept.append(row) } else { takenOver.append(row) }
        }
        for (origin, keys) in undone {
            logger.warning(
                "Claiming partitions again: the database was restored to before they were claimed",
                metadata: ["partitions": "\(keys.map(\.description).joined(separator: ", "))"])
            kept += try plan.target.claim(keys, origin: origin, stoppableContext)
        }
        return (kept, takenOver)
    }

    private func logTakeover(_ row: ClaimedPartition) {
        logger.warning(
            "A partition was taken over by another instance and is not read here",
            metadata: [
                "partition": "\(row.key)", "owner": "\(row.owner ?? "unknown")",
                "hint": """
                if both go on reading, their consumer groups differ: give them the same group, or one topology another name
                """,
            ])
    }

    /// Partitions of a source that may be claimed again; each is named once.
    func takeClaimable(source: Int) -> [PartitionKey] {
        monitor.withLock { $0.takeClaimable(source) }
    }

    func release(_ indices: [Int]) {
        monitor.withLock { state in
            for index in indices { state.release(index) }
        }
    }
}
