import Dataflow

/// Which record of each partition is stored as its tail, the record by which a replaced log is found out.
///
/// A tail must never be overwritten by a record of another log: a topic that is re-created while it is read would then look
/// as if it had always been the new one. So the stored record stays until it was found in the log again, and is then replaced
/// by one that had been read before that look began: it is of the same log.
///
/// ```
///   read     ──A───────B────────────C──────►
///   stored     A ──────────────────► B         B was read before the look at A began
///   look                  └─ A is there
/// ```
///
/// What lies between the stored tail and the position is unproven, for as long as two looks are apart.
struct TailBook {
    private struct Entry {
        /// In the database, or on its way there.
        var stored: Tail?
        /// The last record read.
        var newest: Tail?
        /// The last record read when the look under way began.
        var candidate: Tail?
        /// Proven, and not handed over yet.
        var proven: Tail?
        /// Whether `stored` was found in the log since it was stored.
        var isChecked = true

        mutating func store(_ tail: Tail) {
            stored = tail
            isChecked = false
        }
    }

    private var entries: [Int: Entry] = [:]

    /// Reading of a partition begins, whose row holds `stored`, just checked.
    mutating func begin(_ index: Int, stored: Tail?) { entries[index] = Entry(stored: stored) }

    /// A partition is not ours any more.
    mutating func forget(_ index: Int) { entries[index] = nil }

    /// A run was read whose last record is `last`.
    /// - Returns: the tail to hand over with it, nil to keep the one that is stored.
    mutating func read(_ index: Int, last: Tail?) -> Tail? {
        var entry = entries[index] ?? Entry()
        defer { entries[index] = entry }
        if let last { entry.newest = last }
        if let proven = entry.proven {
            entry.proven = nil
            entry.store(proven)
            return proven
        }
        // There is nothing to lose yet.
        guard entry.stored == nil, let last else { return nil }
        entry.store(last)
        return last
    }

    /// The record to look for, when the partition has moved since it was looked for last.
    mutating func beginLook(_ index: Int) -> Tail? {
        guard let entry = entries[index], let stored = entry.stored, entry.proven == nil else { return nil }
        guard !entry.isChecked || (entry.newest.map { $0 != stored } ?? false) else { return nil }
        entries[index]?.candidate = entry.newest
        return stored
    }

    /// The record that was looked for is where it was read.
    mutating func found(_ index: Int, _ tail: Tail) {
        guard var entry = entries[index], entry.stored == tail else { return }
        entry.isChecked = true
        if let candidate = entry.candidate, candidate.offset > tail.offset { entry.proven = candidate }
        entry.candidate = nil
        entries[index] = entry
    }

    /// The record that is stored, nil when none is.
    func stored(_ index: Int) -> Tail? { entries[index]?.stored }

    /// Partitions with a record proven and not handed over.
    var unhanded: [Int] { entries.filter { $0.value.proven != nil }.map(\.key) }
}
