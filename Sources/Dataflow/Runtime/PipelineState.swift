/// A batch (or the rows of it that one branch selected) waiting for a stage.
struct Work {
    var stage: Int
    var batch: Batch
    /// nil: all rows the parser finds.
    var rows: RowList?
}

/// Row numbers that outlive the call that selected them: a selection on its way to another stage.
final class RowList: Sendable {
    let rows: [UInt32]

    init(copying selection: RowSelection) {
        rows = (0..<selection.count).map { UInt32(selection[$0]) }
    }
}

/// What an epoch moved so far: positions, counters and dead letters.
struct EpochLedger {
    var advances: [Int: PartitionAdvance] = [:]
    var deadLetters: [DeadLetter] = []
    /// Payload bytes.
    var bytes: Int64 = 0
}

/// Where an instance stands among those that write the same tables, one after the other.
enum Turn {
    /// It has no turn and waits for none, or the commit being written sees to that.
    case none
    /// An epoch is due and grows until the turn comes.
    case awaited
    /// It is this instance's turn: the epoch is sealed, unless there is nothing to write any more.
    case taken
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
    var lastSeal: ContinuousClock.Instant
    /// When the database's connection was last looked at for want of work.
    var lastLook: ContinuousClock.Instant
    var flushTarget: UInt64 = 0
    /// Where this instance stands among those that write the same tables.
    var turn = Turn.none
    /// How long commits took lately.
    var usualCommit = Duration.zero
    /// Partitions that a source believes to be its own and the database says are another instance's.
    var takeovers: [PartitionKey: Takeover] = [:]
    /// The watches of partitions that were taken over lately, so that patience grows.
    var takeoverWatches: [PartitionKey: TakeoverWatch] = [:]
    /// When the partitions taken over were looked at last.
    var lastTakeoverLook: ContinuousClock.Instant
    /// Batches looked at for what follows on what.
    private var checks: UInt64 = 0
    var life = PipelineLife()
    var endedThreads: Set<PipelineThread> = []
    var failure: (any Error)?
    var targetTrouble: String?
    /// By node, what its companion waits for.
    var companionTroubles: [String: String] = [:]
    /// Companions that have prepared what their nodes need.
    var preparedCompanions: Set<String> = []
    var pressureWatch = PressureWatch()
    var stallWatch = StallWatch()
    /// Bytes of groups that the sealed epoch had when it was sealed; then no other had any.
    var sealedBytes = 0
    /// Bytes of payload of the epoch being written.
    var sealedPayload: Int64 = 0
    /// Whether nothing uses permits any more, so that whoever lends them may end.
    var lendingEnds = false
    var progress = ProgressCounters()
    /// How large batches are where a node may take long over them; nil where none does.
    var pace: BatchPace?

    init(stages: Int, sources: Int, at now: ContinuousClock.Instant) {
        (lastSeal, lastLook, lastTakeoverLook) = (now, now, now)
        queues = Array(repeating: [], count: stages)
        active = Array(repeating: 0, count: stages)
        reserved = Array(repeating: 0, count: stages)
        freeBatches = Array(repeating: [], count: sources)
        allocatedBatches = Array(repeating: 0, count: sources)
        committedOffsets = Array(repeating: [:], count: sources)
        rewind = RewindMachine(sources: sources)
        waiting = Array(repeating: 0, count: sources)
    }

    /// Whether the open epoch has to wait until something else is over: the epoch before, or the turns of others.
    var isOpenEpochHeldUp: Bool { epochs.sealed != .none || turn == .awaited }

    /// The first run of a batch that does not begin where its partition stands, nil when all do.
    mutating func misplacement(in batch: Batch) -> MisplacedRun? {
        checks += 1
        for run in batch.runs {
            let index = run.partition
            let expected =
                partitions[index].check == checks ? partitions[index].checkedNext : partitions[index].next
            let isOurs = partitions[index].isActive && partitions[index].source == batch.source
            let found = run.from ?? batch.firstOffset(of: run)
            guard isOurs, let expected, found == expected, run.nextOffset >= expected else {
                return MisplacedRun(
                    key: partitions[index].key, found: found, to: run.nextOffset, expected: isOurs ? expected : nil)
            }
            partitions[index].check = checks
            partitions[index].checkedNext = run.nextOffset
        }
        return nil
    }

    /// Takes note of a misplaced run.
    /// - Returns: whether one of the same partition was noted before and it has not got any further since.
    mutating func note(_ misplaced: MisplacedRun) -> Bool {
        guard let index = partitions.firstIndex(where: { $0.key == misplaced.key }) else { return true }
        defer { partitions[index].isMisplaced = true }
        return partitions[index].isMisplaced
    }

    /// Books the runs of an admitted batch: its partitions move, in this epoch.
    mutating func advance(_ batch: Batch) {
        for index in batch.runs.indices {
            let run = batch.runs[index]
            batch.runs[index].identity = partitions[run.partition].identity
            if partitions[run.partition].takeFresh() {
                batch.runs[index].beginsClock = true
                batch.runs[index].clock = partitions[run.partition].clock
            }
            let count = Int64(run.messages.count + run.tombstones)
            partitions[run.partition].advance(run, count, in: &ledgers[batch.epoch, default: EpochLedger()])
        }
        openRecords += Int64(batch.messages.count)
    }

    /// Books what became of a batch's records.
    mutating func settle(_ batch: Batch) {
        for run in batch.runs {
            let counters = batch.counters(of: run)
            ledgers[batch.epoch, default: EpochLedger()].advances[run.partition]?.counters += counters
            ledgers[batch.epoch, default: EpochLedger()].advances[run.partition]?.note(run)
            partitions[run.partition].settle(counters.read)
        }
        ledgers[batch.epoch, default: EpochLedger()].deadLetters.append(contentsOf: batch.deadLetters)
        ledgers[batch.epoch, default: EpochLedger()].bytes += Int64(batch.length)
    }

    /// Books a committed epoch.
    mutating func book(_ closed: ClosedEpoch) {
        for advance in closed.advances {
            progress.records += advance.counters.read
            progress.deadLetters += advance.counters.dead
            progress.refused += advance.counters.refused
            guard let index = partitions.firstIndex(where: { $0.key == advance.key }) else { continue }
            partitions[index].book(advance)
            committedOffsets[partitions[index].source][advance.key] = advance.to
        }
        progress.bytes += sealedPayload
        sealedPayload = 0
    }

    /// Messages that are not committed: those that wait in the sources, as far as they know, and those that were handed over.
    func lag(_ waiting: [Int64?]) -> Int64? {
        guard waiting.contains(where: { $0 != nil }) else { return nil }
        let pending = partitions.reduce(0) { $0 + (waiting[$1.source] == nil ? 0 : $1.pending) }
        return waiting.reduce(pending) { $0 + ($1 ?? 0) }
    }

    /// Records read and not committed, those included that were dropped and not read again since.
    var uncommitted: Int64 { partitions.reduce(0) { $0 + $1.settled + $1.owed } }
}

/// Totals since the start, of what is committed.
struct ProgressCounters {
    var records: Int64 = 0
    var deadLetters: Int64 = 0
    var refused: Int64 = 0
    var bytes: Int64 = 0
    var epochs: Int64 = 0
    /// By node.
    var groups: [Int: Int64] = [:]
    var lastCommit: Duration?
}
