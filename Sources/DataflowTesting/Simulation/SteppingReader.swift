import Dataflow
import Platform

/// A source at work, on its thread.
struct SteppingReader {
    private let source: SteppingSource
    private let intake: Intake
    private let log: SteppingLog
    private let scheduler: SteppingScheduler
    /// What is read.
    private var places: [PartitionKey: Place] = [:]
    /// Partitions of ours that stand still.
    private var halted: [PartitionKey: Place] = [:]
    /// What `release` calls partitions, those included that the database says are not ours.
    private var indices: [PartitionKey: Int] = [:]
    /// The batch being filled.
    private var batch: Batch?
    private var isIdle = false
    private var idleRounds = 0
    private var skips = false

    private struct Place {
        var index: Int
        var generation: Int
        var next: Int64
        var row: ClaimedPartition
    }

    init(_ source: SteppingSource, _ intake: Intake) {
        self.source = source
        self.intake = intake
        log = source.log
        scheduler = source.scheduler
    }

    mutating func run() throws {
        if let files = source.style.files { try begin(intake.claim(files)) }
        while !intake.isStopping {
            if let order = source.nextOrder() {
                try carryOut(order)
                source.orderIsDone()
            }
            if intake.needsRewind { try rewind() }
            let claimable = intake.takeClaimable()
            if !claimable.isEmpty {
                handOver()
                try begin(intake.claim(claimable))
            }
            if !halted.isEmpty, source.chance(20) { try lookAtRows() }
            try read()
            if let files = source.style.files, isAtTheEnd(of: files) {
                handOver()
                closeFiles()
                if intake.flush(within: .seconds(600)) { return }
            }
            if isIdle { rest() }
        }
        handOver()
    }

    // MARK: Reading

    private func isAtTheEnd(of files: [PartitionKey]) -> Bool {
        files.allSatisfy { key in places[key].map { $0.next >= log.end(of: key) } ?? false }
    }

    private mutating func read() throws {
        isIdle = true
        if batch == nil { batch = intake.makeBatch(timeout: .milliseconds(2)) }
        guard let filling = batch else {
            guard source.style.keepsAlive, !intake.isStopping, !intake.needsRewind else { return }
            return takeOne()
        }
        for key in log.keys where source.chance(60) {
            guard places[key] != nil else { continue }
            guard append(key, 1 + source.below(source.style.portion), to: filling) else { return replaced(key) }
        }
        if !filling.runs.isEmpty, isIdle || source.chance(source.style.haste) { handOver() }
    }

    /// No batch is free; a member of a group must take something now and then.
    private mutating func takeOne() {
        guard let key = log.keys.first(where: { places[$0] != nil && source.chance(50) }) else { return }
        let extra = intake.makeBatchBeyondBounds()
        scheduler.reach("polls")
        guard append(key, 1, to: extra) else {
            intake.recycle(extra)
            return replaced(key)
        }
        intake.submit(extra)
    }

    /// - Returns: false when the log is not the one that was read before.
    private mutating func append(_ key: PartitionKey, _ count: Int, to batch: Batch) -> Bool {
        guard var place = places[key] else { return true }
        if skips {
            place.next += 1
            skips = false
        }
        guard let values = log.read(key, of: place.generation, from: place.next, atMost: count) else { return false }
        guard !values.isEmpty else { return true }
        isIdle = false
        let first = batch.messages.count
        let offsets = values.indices.filter { values[$0] != SteppingLog.tombstone }
        for (number, value) in offsets.map({ ($0, values[$0]) }) {
            unsafe withUnsafeBytes(of: value) {
                unsafe batch.append($0, offset: place.next + Int64(number), timestamp: nil)
            }
        }
        let next = place.next + Int64(values.count)
        batch.runs.append(
            BatchRun(
                partition: place.index, from: place.next, messages: first..<batch.messages.count,
                tombstones: values.count - offsets.count, nextOffset: next,
                tail: offsets.last.map {
                    SteppingLog.tail(of: values[$0], at: place.next + Int64($0), in: place.generation)
                }))
        place.next = next
        places[key] = place
        return true
    }

    private mutating func handOver() {
        guard let batch else { return }
        self.batch = nil
        if batch.runs.isEmpty { intake.recycle(batch) } else { intake.submit(batch) }
    }

    private mutating func drop() {
        if let batch { intake.recycle(batch) }
        batch = nil
    }

    /// The log is another one. The rewind that follows finds the same and halts the partition.
    private mutating func replaced(_ key: PartitionKey) {
        scheduler.note("finds the log of \(key) replaced")
        drop()
        intake.discard()
    }

    /// At the end of what there is, a consumer waits in its poll.
    private mutating func rest() {
        idleRounds = min(idleRounds + 1, 8)
        scheduler.sleep(.milliseconds(1 << idleRounds))
    }

    /// Files that were read to their ends are closed, which takes a while.
    private func closeFiles() {
        guard source.style.linger > .zero else { return }
        scheduler.sleep(source.style.linger * source.below(100) / 100)
    }

    // MARK: Positions

    private mutating func rewind() throws {
        drop()
        let reclaimed = try intake.reclaim()
        places = [:]
        halted = [:]
        try begin(reclaimed.owned)
    }

    private mutating func begin(_ claimed: [(index: Int, partition: ClaimedPartition)]) throws {
        idleRounds = 0
        try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        for (index, partition) in claimed {
            let key = partition.key
            indices[key] = index
            let next = partition.nextOffset ?? 0
            let place = Place(index: index, generation: log.present(key), next: next, row: partition)
            places[key] = nil
            halted[key] = nil
            if log.holds(partition.tail, of: key, at: next) {
                places[key] = place
                intake.note(end: log.end(of: key), of: index)
            } else {
                intake.note(end: next, of: index)
                scheduler.note("halts \(key)")
                halted[key] = place
            }
        }
        source.setHalted(Set(halted.keys))
    }

    /// Has a person decided about partitions that stand still?
    private mutating func lookAtRows() throws {
        let rows = try intake.stored(halted.values.map(\.row))
        for var place in halted.values.sorted(by: { $0.index < $1.index }) {
            let stored = rows.first { $0.key == place.row.key }
            // Somebody has claimed it, or the database was restored: the database says which when everything is asked again.
            let adopted = intake.adopt(stored, index: place.index)
            guard adopted != .lost, let row = stored else { return drop() }
            guard adopted == .adopted, row != place.row, log.holds(row.tail, of: row.key, at: row.nextOffset ?? 0)
            else { continue }
            scheduler.note("reads on \(row.key) at \(row.nextOffset ?? -1)")
            place.next = row.nextOffset ?? 0
            place.generation = log.present(row.key)
            halted[row.key] = nil
            places[row.key] = place
            intake.note(end: log.end(of: row.key), of: place.index)
        }
        source.setHalted(Set(halted.keys))
    }

    // MARK: Orders

    private mutating func carryOut(_ order: SteppingSource.Order) throws {
        scheduler.note("is told: \(order)")
        switch order {
        case .assign(let keys):
            handOver()
            try begin(intake.claim(keys))
        case .revoke(let keys):
            handOver()
            if !intake.flush(within: .seconds(5)) { intake.discard() }
            release(keys)
        case .lose(let keys):
            drop()
            intake.discard()
            release(keys)
        case .discard:
            drop()
            intake.discard()
        case .ask: try rewind()
        case .skip: skips = true
        }
    }

    private mutating func release(_ keys: [PartitionKey]) {
        for key in keys {
            places[key] = nil
            halted[key] = nil
        }
        source.setHalted(Set(halted.keys))
        intake.release(keys.compactMap { indices.removeValue(forKey: $0) })
    }
}
