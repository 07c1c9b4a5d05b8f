/// A batch (or the rows of it that one branch selected) waiting for a stage.
struct Work {
    var stage: Int
    var batch: Batch
    /// nil: all rows the parser finds.
    var rows: RowList?
    /// Whether a rewind has dropped the batch: nothing is done with it but giving it back.
    var isStale = false
}

/// Row numbers that outlive the call that selected them: a selection on its way to another stage.
final class RowList: Sendable {
    let rows: [UInt32]

    init(copying selection: RowSelection) {
        rows = (0..<selection.count).map { UInt32(selection[$0]) }
    }
}

/// A partition that a source of this process owns.
struct PartitionState {
    var key: PartitionKey
    var source: Int
    var ownerEpoch: Int64
    /// Where the next admitted run must begin, nil before `begin`.
    var next: Int64?
    /// What the database holds as far as we know.
    var committed: Int64?
    var isActive = true

    /// The partition as it stands in the database; nil when it is not ours or was never read.
    var standing: ClaimedPartition? {
        guard isActive, let committed else { return nil }
        return ClaimedPartition(key: key, ownerEpoch: ownerEpoch, nextOffset: committed, tail: nil)
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
    var found: Int64
    var expected: Int64

    var description: String {
        "\(key): records from offset \(found) came where those from offset \(expected) were expected; they were not "
            + "counted, and everything since the last commit is read again"
    }
}

/// What an epoch moved so far: positions, counters and dead letters.
struct EpochLedger {
    var advances: [Int: PartitionAdvance] = [:]
    var deadLetters: [DeadLetter] = []
}

/// Everything the threads of a pipeline share, behind one lock that is taken per batch, never per event.
struct PipelineState {
    var epochs = EpochMachine()
    var queues: [[Work]]
    var active: [Int]
    /// Places in a stage's mailbox promised to work that is running upstream.
    var reserved: [Int]
    var freeBatches: [[Batch]]
    var allocatedBatches: [Int]
    var partitions: [PartitionState] = []
    var ledgers: [UInt64: EpochLedger] = [:]
    var committedOffsets: [[PartitionKey: Int64]]
    var rewind: RewindMachine
    var nextSerial: UInt64 = 0
    /// Records that wait in each source, as far as it knows; 0 otherwise.
    var waiting: [Int64]
    /// Records of the open epoch so far.
    var openRecords: Int64 = 0
    /// When an epoch was sealed last, or when all began.
    var lastSeal = ContinuousClock.now
    /// When the database's connection was last looked at for want of work.
    var lastLook = ContinuousClock.now
    var flushTarget: UInt64 = 0
    /// Records settled since the last commit.
    var uncommitted: Int64 = 0
    /// Partitions that a source believes to be its own and the database says are not.
    var lost: [PartitionKey: LostPartition] = [:]
    /// Batches refused in a row because they did not begin where their partition stands.
    var misplacedBatches = 0
    /// Sources are to return.
    var isStopping = false
    /// Sources have returned; what is left is to be committed.
    var isDraining = false
    /// Nothing more will be committed.
    var hasEnded = false
    /// Blocking calls are to give up.
    var isCancelled = false
    var failure: (any Error)?
    var targetTrouble: String?
    var pressureWatch = PressureWatch()
    /// Bytes of groups that the sealed epoch had when it was sealed; then no other had any.
    var sealedBytes = 0
    var progress = ProgressCounters()

    init(stages: Int, sources: Int) {
        queues = Array(repeating: [], count: stages)
        active = Array(repeating: 0, count: stages)
        reserved = Array(repeating: 0, count: stages)
        freeBatches = Array(repeating: [], count: sources)
        allocatedBatches = Array(repeating: 0, count: sources)
        committedOffsets = Array(repeating: [:], count: sources)
        rewind = RewindMachine(sources: sources)
        waiting = Array(repeating: 0, count: sources)
    }

    /// The first run of a batch that does not begin where its partition stands, nil when all do.
    func misplacement(in batch: Batch) -> MisplacedRun? {
        var moved: [Int: Int64] = [:]
        for run in batch.runs {
            let partition = partitions[run.partition]
            guard let next = moved[run.partition] ?? partition.next else {
                preconditionFailure("messages of \(partition.key) were submitted before its position was known")
            }
            if run.from != next || run.nextOffset < run.from {
                return MisplacedRun(key: partition.key, found: run.from, expected: next)
            }
            moved[run.partition] = run.nextOffset
        }
        return nil
    }

    /// Books the runs of an admitted batch: its partitions move, in this epoch.
    mutating func advance(_ batch: Batch) {
        var ledger = ledgers[batch.epoch] ?? EpochLedger()
        for run in batch.runs {
            let partition = partitions[run.partition]
            guard let next = partition.next else {
                preconditionFailure("messages of \(partition.key) were submitted before its position was known")
            }
            var advance =
                ledger.advances[run.partition]
                ?? PartitionAdvance(key: partition.key, ownerEpoch: partition.ownerEpoch, from: next)
            advance.to = run.nextOffset
            if !run.messages.isEmpty { advance.tail = run.tail }
            ledger.advances[run.partition] = advance
            partitions[run.partition].next = run.nextOffset
        }
        ledgers[batch.epoch] = ledger
        openRecords += Int64(batch.messages.count)
    }

    /// Books what became of a batch's records.
    mutating func settle(_ batch: Batch) {
        var ledger = ledgers[batch.epoch] ?? EpochLedger()
        for run in batch.runs {
            let counters = batch.counters(of: run)
            ledger.advances[run.partition]?.counters += counters
            uncommitted += counters.read
        }
        ledger.deadLetters.append(contentsOf: batch.deadLetters)
        ledgers[batch.epoch] = ledger
        progress.bytes += Int64(batch.length)
    }
}

/// Totals since the start, of what is committed.
struct ProgressCounters {
    var records: Int64 = 0
    var deadLetters: Int64 = 0
    var bytes: Int64 = 0
    var epochs: Int64 = 0
    var rows: Int64 = 0
    var lastCommit: Duration?
}
