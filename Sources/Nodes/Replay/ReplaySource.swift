package import Dataflow
package import Declaration
import Kafka
import Logging
import Synchronization

/// A source whose place a replay takes: it reads the same things, but only the records of letters.
package struct ReplayPlan: SourcePlan {
    private let inner: any SourcePlan
    private let desk: ReplayDesk
    /// Whether it is the only source of files.
    private let readsAllFiles: Bool

    /// Puts itself in the place of all sources of a topology.
    package static func replaceSources(of topology: inout CompiledTopology, _ desk: ReplayDesk) {
        let files = topology.sources.count { $0.plan is FilePlan }
        for index in topology.sources.indices {
            topology.sources[index].plan = ReplayPlan(
                inner: topology.sources[index].plan, desk: desk, readsAllFiles: files == 1)
        }
    }

    package var endsByItself: Bool { true }
    package var readsStandardInput: Bool { false }
    package var positionTopics: Set<String>? { inner.positionTopics }
    package var queues: QueueClaim? { inner.queues }

    package func trace(_ meaning: inout EventMeaning) { inner.trace(&meaning) }

    package func build(in context: BuildContext) throws -> any Source {
        if var plan = inner as? KafkaPlan {
            plan.configuration.fitQueues(into: context.queueBytes)
            plan.messageTexts = context.messageTexts
            return ReplaySource(.kafka(plan), desk, context)
        }
        if inner is ProgramPlan { return ReplaySource(.programs, desk, context) }
        guard let plan = inner as? FilePlan else { preconditionFailure("a replay knows what it can read again") }
        return ReplaySource(.files(plan, areAll: readsAllFiles), desk, context)
    }
}

/// Finds records again, partition by partition, in the order of their offsets.
final class ReplaySource: Source {
    enum Kind: Sendable {
        case kafka(KafkaPlan)
        case files(FilePlan, areAll: Bool)
        /// None of its letters: programs are not run again for a replay.
        case programs
    }

    private let kind: Kind
    private let desk: ReplayDesk
    private let recordBytesMax: Int
    private let logger: Logger
    /// How far each partition has been read, also what was dropped since.
    private let reached = Mutex<[PartitionKey: Int64]>([:])

    init(_ kind: Kind, _ desk: ReplayDesk, _ context: BuildContext) {
        self.kind = kind
        self.desk = desk
        recordBytesMax = context.messageBytesMax
        logger = context.logger
    }

    var status: SourceStatus { SourceStatus() }

    func close(_ intake: Intake) {}

    func run(_ intake: Intake) throws {
        guard let shelf = desk.shelf else { preconditionFailure("a replay has a target that has letters") }
        let keys = try shelf.partitions(intake.stopping).map(\.key).filter(reads)
        guard !keys.isEmpty else { return }
        var partitions = try intake.claim(keys)
        while !intake.isStopping {
            desk.begin(partitions)
            if try read(partitions, shelf, intake), settle(intake) { return }
            if intake.isStopping { return }
            partitions = try intake.reclaim().owned
        }
    }

    /// Whether a partition is this source's.
    private func reads(_ key: PartitionKey) -> Bool {
        switch kind {
        case .kafka(let plan): plan.configuration.topics.contains(key.topic)
        case .programs: false
        case .files(let plan, let areAll):
            key.topic.hasPrefix("file:") && (areAll || ReplayFiles.reads(ReplayFiles.path(of: key), plan))
        }
    }

    /// Has everything committed. False when it is to be read again.
    private func settle(_ intake: Intake) -> Bool {
        while !intake.isStopping {
            if intake.needsRewind { return false }
            if intake.flush(within: .seconds(5)) { return !intake.needsRewind }
        }
        return false
    }

    /// - Returns: false when the source is to stop, or to begin again.
    private func read(
        _ partitions: [(index: Int, partition: ClaimedPartition)], _ shelf: any ReplayShelf, _ intake: Intake
    ) throws -> Bool {
        for (index, partition) in partitions {
            var page = ReplayPage(desk, key: partition.key, index: index, from: partition.nextOffset ?? 0)
            var records: (any ReplayRecords)?
            while try page.turn(shelf, intake.stopping) {
                let open = try records ?? makeRecords(partition.key)
                records = open
                guard try fill(&page, open, intake) else { return false }
            }
            guard catchUp(&page, intake) else { return false }
        }
        return true
    }

    /// Goes on to where the partition was before a rewind: somebody else has booked the letters up to there.
    private func catchUp(_ page: inout ReplayPage, _ intake: Intake) -> Bool {
        let wanted = reached.withLock { $0[page.key] ?? 0 }
        while page.from < wanted {
            guard let batch = intake.makeBatch(timeout: .seconds(1)) else {
                if intake.needsRewind || intake.isStopping { return false }
                continue
            }
            page.endRun(of: batch, at: wanted)
            intake.submit(batch)
        }
        return true
    }

    private func makeRecords(_ key: PartitionKey) throws -> any ReplayRecords {
        switch kind {
        case .kafka(let plan): try ReplayLog(plan, key, desk.row(of: key))
        case .files(let plan, _): try ReplayFiles(plan, key, desk.row(of: key), recordBytesMax: recordBytesMax)
        case .programs: preconditionFailure("no letter of a program is a replay's")
        }
    }

    /// Finds the records of a page.
    private func fill(_ page: inout ReplayPage, _ records: any ReplayRecords, _ intake: Intake) throws -> Bool {
        while !page.isEmpty {
            guard let batch = intake.makeBatch(timeout: .seconds(1)) else {
                if intake.needsRewind || intake.isStopping { return false }
                continue
            }
            do {
                guard try fill(batch, &page, records, intake) else {
                    intake.recycle(batch)
                    return false
                }
            } catch {
                intake.recycle(batch)
                throw error
            }
            page.endRun(of: batch)
            reached.withLock { $0[page.key] = max($0[page.key] ?? 0, page.from) }
            intake.submit(batch)
        }
        return true
    }

    private func fill(
        _ batch: Batch, _ page: inout ReplayPage, _ records: any ReplayRecords, _ intake: Intake
    ) throws -> Bool {
        batch.framing = records.framing
        var deadline = ContinuousClock.now + SourceLimits.replaySilence
        while !page.isEmpty, !batch.isOutOfMessages, batch.room > 4_096 {
            if intake.needsRewind || intake.isStopping { return false }
            let found = try records.find(
                page.offsets, room: batch.messagesMax - batch.messages.count, into: batch)
            if !found.isEmpty { deadline = .now + SourceLimits.replaySilence }
            guard ContinuousClock.now < deadline else { throw records.silence }
            page.take(found)
        }
        return true
    }
}

/// Reads the records of one partition.
protocol ReplayRecords: AnyObject {
    /// How its messages hold records.
    var framing: Framing { get }
    /// What is said when nothing comes for long.
    var silence: SourceError { get }
    /// Copies wanted messages into a batch, as far as they are there without waiting for long.
    /// - Parameters:
    ///   - offsets: those wanted, ascending.
    ///   - room: how many at most.
    /// - Returns: for the first of them, in order: why there is no such record, nil where it is in the batch.
    func find(_ offsets: ArraySlice<Int64>, room: Int, into batch: Batch) throws -> [String?]
}

/// Letters of one partition on their way into batches.
struct ReplayPage {
    private let desk: ReplayDesk
    let key: PartitionKey
    private let index: Int
    /// Where the next run begins.
    private(set) var from: Int64
    /// Where the letters continue that have not been fetched.
    private var next: Int64
    private var letters: [ReplayLetter] = []
    /// The different offsets of the letters that are still to be found.
    private(set) var offsets: ArraySlice<Int64> = []

    init(_ desk: ReplayDesk, key: PartitionKey, index: Int, from: Int64) {
        self.desk = desk
        self.key = key
        self.index = index
        self.from = from
        next = from
    }

    var isEmpty: Bool { offsets.isEmpty }

    /// Gets the next letters. False when there are none.
    mutating func turn(_ shelf: any ReplayShelf, _ context: CommitContext) throws -> Bool {
        letters = try shelf.letters(of: key, from: next, context)
        guard let last = letters.last else { return false }
        desk.add(letters, of: key)
        next = last.place.offset + 1
        var found: [Int64] = []
        for letter in letters where letter.place.offset != found.last { found.append(letter.place.offset) }
        offsets = found[...]
        return true
    }

    /// Takes note of what was found of the first offsets.
    mutating func take(_ found: [String?]) {
        var obstacles: [Int64: String] = [:]
        for (offset, obstacle) in zip(offsets, found) { obstacles[offset] = obstacle }
        if let first = offsets.first, !obstacles.isEmpty {
            let end = offsets.dropFirst(found.count).first ?? next
            desk.hold(of: key, in: first..<end) { obstacles[$0.place.offset] }
        }
        offsets = offsets.dropFirst(found.count)
    }

    /// Makes what a batch holds one run.
    /// - Parameter end: where it ends; nil for as far as letters were looked for.
    mutating func endRun(of batch: Batch, at end: Int64? = nil) {
        let to = end ?? offsets.first ?? next
        batch.runs = [
            BatchRun(
                partition: index, from: from, messages: 0..<batch.messages.count, tombstones: 0, nextOffset: to,
                tail: nil)
        ]
        from = to
    }
}
