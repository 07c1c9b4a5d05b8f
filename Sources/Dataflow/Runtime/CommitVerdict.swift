/// What the partition rows say about an epoch whose COMMIT got no answer.
public enum CommitVerdict: Equatable, Sendable {
    /// The epoch is in the database.
    case committed
    /// It is not, and can be written again.
    case notCommitted
    /// It is not and must not be: the partitions moved under another owner, or the database was restored.
    case fenced(reason: String)

    /// Compares partitions that nothing moves with what the database says.
    /// - Returns: why the database is not what was committed to, nil when it is.
    public static func mismatch(_ standing: [ClaimedPartition], rows: [ClaimedPartition]) -> String? {
        let byKey = Dictionary(rows.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for partition in standing {
            let row = byKey[partition.key]
            // A partition that another instance has claimed since is on its way out, and found out by its next commit. An
            // owner only moves on, so one that stands behind what was committed was restored as well: who has nothing more
            // to write would not find out.
            if let row, row.ownerEpoch > partition.ownerEpoch, row.nextOffset ?? -1 >= partition.nextOffset ?? -1 {
                continue
            }
            if let row, row.ownerEpoch < partition.ownerEpoch {
                return
                    "\(partition.key) has owner epoch \(row.ownerEpoch), expected \(partition.ownerEpoch): the database was "
                    + "restored"
            }
            let found = row?.nextOffset
            if found != partition.nextOffset {
                let (has, expected) = (
                    found.map(String.init) ?? "none", partition.nextOffset.map(String.init) ?? "none"
                )
                return "\(partition.key) is at offset \(has), expected \(expected): the database was restored"
            }
        }
        return nil
    }

    /// Compares what an epoch was to do with what the database says.
    /// - Parameters:
    ///   - advances: the epoch's moves, from `from` to `to`.
    ///   - rows: the same partitions as read under lock after every earlier transaction has decided.
    public static func decide(_ advances: [PartitionAdvance], rows: [ClaimedPartition]) -> CommitVerdict {
        let byKey = Dictionary(rows.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var before = 0
        var after = 0
        for advance in advances {
            guard let row = byKey[advance.key] else {
                return .fenced(reason: "\(advance.key) is gone from the database")
            }
            guard row.ownerEpoch == advance.ownerEpoch else {
                let cause = row.ownerEpoch > advance.ownerEpoch ? "was taken over by another instance" : "was restored"
                return .fenced(reason: "\(advance.key) \(cause)")
            }
            // Moves by nothing (possible for a partition of tombstones only) fit both verdicts.
            if row.nextOffset == advance.from { before += 1 }
            if row.nextOffset == advance.to { after += 1 }
            if row.nextOffset != advance.from, row.nextOffset != advance.to {
                let found = row.nextOffset.map(String.init) ?? "none"
                return .fenced(
                    reason: "\(advance.key) is at offset \(found), expected \(advance.from) or \(advance.to)")
            }
        }
        if after == advances.count { return .committed }
        if before == advances.count { return .notCommitted }
        return .fenced(reason: "the database holds part of an epoch, so it was changed by someone else")
    }
}
