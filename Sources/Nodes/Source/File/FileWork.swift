import Dataflow
import Logging

/// What a `file` source does on its thread: opens a group of files, finds their positions, reads them, and keeps them open
/// until what was read is committed, so that a rewind finds them whatever becomes of their names.
struct FileWork {
    let plan: FilePlan
    let topology: String
    let recordBytesMax: Int
    let memory: MemoryAccountant
    let logger: Logger
    var positions: FilePositions

    /// Files being read.
    private(set) var files: [FileProgress] = []
    /// Files that were read and closed, by the engine's index: a database that was restored may ask for them again.
    private var closed: [Int: (key: PartitionKey, path: String, reached: Int64)] = [:]
    private var claims = 0

    init(
        plan: FilePlan, topology: String, recordBytesMax: Int, memory: MemoryAccountant, logger: Logger,
        positions: FilePositions
    ) {
        self.plan = plan
        self.topology = topology
        self.recordBytesMax = recordBytesMax
        self.memory = memory
        self.logger = logger
        self.positions = positions
    }

    // MARK: - Opening

    private struct Opened {
        var reader: FileReader
        var head = FileHead()
        var key: PartitionKey?
        var label: String { reader.input.label }
    }

    /// Opens files and takes their positions over.
    /// - Parameter areLast: whether no files of this run are to come behind them.
    mutating func open(_ paths: ArraySlice<FileList.Path>, areLast: Bool, _ intake: Intake) throws {
        var opened: [Opened] = []
        for path in paths {
            guard let file = try open(path) else { continue }
            opened.append(file)
            // What unpacking takes is only kept while few files are open.
            if paths.count > 8 { file.reader.rest() }
        }
        try continueByPath(&opened)
        try continueByContent(&opened)
        try beginOthers(&opened, areLast)
        try claim(opened, intake)
    }

    private func open(_ path: FileList.Path) throws -> Opened? {
        do {
            var file = Opened(
                reader: try path.stream.map { stream in try FileReader(stream) }
                    ?? FileReader(path: path.path))
            if file.reader.isStream {
                file.key = FilePositions.key(file.label, 1)
                return file
            }
            file.head = FileHead(try file.reader.bytes(at: 0, count: FileHead.bytesMax))
            return file
        } catch {
            if path.isOfPattern, FileNumber(path: path.path) == nil {
                logger.notice("A file is gone again before it was read", metadata: ["path": "\(path.label)"])
                return nil
            }
            throw error
        }
    }

    /// First every file that is still where it was.
    private mutating func continueByPath(_ opened: inout [Opened]) throws {
        for index in opened.indices where opened[index].key == nil {
            let file = opened[index]
            // One that was never read says nothing: the content may be what was read under another name.
            for entry in positions.made(under: file.label)
            where positions.entries[entry].file == nil && positions.entries[entry].next > 0 {
                guard case .continues = try positions.judge(entry, file.reader, file.head) else { continue }
                positions.take(entry, by: file.label)
                opened[index].key = positions.entries[entry].key
                break
            }
        }
    }

    /// Then those that have another name now.
    private mutating func continueByContent(_ opened: inout [Opened]) throws {
        for index in opened.indices where opened[index].key == nil {
            let file = opened[index]
            let found = try positions.continued(by: file.reader, file.head)
            if let entry = found.first(where: { positions.entries[$0].file == nil }) {
                positions.take(entry, by: file.label)
                opened[index].key = positions.entries[entry].key
                logger.notice(
                    "A file was read before under another name and goes on where that was left",
                    metadata: [
                        "path": "\(file.label)", "position": "\(positions.entries[entry].key)",
                        "next_offset": "\(positions.entries[entry].next)",
                    ])
            }
        }
    }

    /// The others are new, unless the file that is missing is theirs.
    private mutating func beginOthers(_ opened: inout [Opened], _ areLast: Bool) throws {
        for index in opened.indices where opened[index].key == nil {
            let file = opened[index]
            guard LastLine.hasRecord(file.head, isWhole: !file.reader.canGrow) else { continue }
            if let latest = positions.made(under: file.label).first(where: { positions.entries[$0].file == nil }) {
                if positions.entries[latest].next == 0 {
                    positions.take(latest, by: file.label)
                    opened[index].key = positions.entries[latest].key
                    continue
                }
                switch try positions.judge(latest, file.reader, file.head) {
                case .continues, .other:
                    logger.notice(
                        "Another file than the one read before is at this path, and is read from its start",
                        metadata: ["path": "\(file.label)"])
                case .damaged(let why): throw mismatch(file.label, positions.entries[latest], why)
                }
            }
            // Before the last files are open, nobody knows what is not here any more.
            if areLast { try checkBeginnings(of: file) }
            opened[index].key = positions.addNew(file.label)
        }
    }

    /// A file may have been renamed and then edited or cut short. A whole beginning says that it was; a first line may be that
    /// of many files, and only that it may have been is said.
    private func checkBeginnings(of file: Opened) throws {
        let alike = positions.begun(as: file.head)
        if let sure = alike.first(where: \.isSure), plan.copies != .count {
            let entry = positions.entries[sure.entry]
            throw SourceError(
                code: .tailMismatch,
                description:
                    "file \(file.label): its first \(FileHead.bytesMax) bytes are those of \(entry.key.topic), which is not here "
                    + "any more, but up to byte \(entry.next) it is not what was read of that: it was renamed and then cut "
                    + "short or edited, and its records would be counted again. If that is meant, say `copies: count` in node "
                    + plan.node)
        }
        guard let entry = alike.last.map({ positions.entries[$0.entry] }) else { return }
        logger.notice(
            "A file that was not read before has the first line of one that is not here any more, and is read from its start",
            metadata: [
                "path": "\(file.label)", "position": "\(entry.key)",
                "hint": "if it is that file, renamed and then edited or cut short, its records are counted again",
            ])
    }

    private func mismatch(_ label: String, _ entry: FilePositions.Entry, _ why: String) -> SourceError {
        SourceError(
            code: .tailMismatch,
            description:
                "file \(label): \(why), so the file was truncated or replaced, or its position was changed; if it "
                + "is another file, give it another name; records that were counted before and are in it count again then. "
                + "To read it from its start, with the same effect, run UPDATE millrace.partitions SET "
                + "next_offset = 0, \(ClaimedPartition.forgetting) WHERE topology = "
                + "'\(topology)' AND topic = '\(entry.key.topic.replacing("'", with: "''"))'")
    }

    private mutating func claim(_ opened: [Opened], _ intake: Intake) throws {
        let readable = opened.filter { $0.key != nil }
        for file in opened where file.key == nil { tellUnfinished(file) }
        let claimed = try intake.claim(readable.compactMap(\.key))
        claims += claimed.count
        try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        let byKey = Dictionary(
            claimed.map { ($0.partition.key, $0) }, uniquingKeysWith: { first, _ in first })
        for file in readable {
            guard let key = file.key, let (index, partition) = byKey[key] else { continue }
            let head = FileHead(Array(file.head.bytes.prefix(Int(clamping: partition.nextOffset ?? 0))))
            let progress = try FileProgress(
                file.reader, head: head, partition: index, claimed: partition, recordBytesMax: recordBytesMax,
                memory: memory)
            progress.onSilence = { [logger] in
                logger.notice(
                    "Nothing has come from a pipe yet; it is read until its last writer closes it",
                    metadata: ["path": "\(file.label)"])
            }
            files.append(progress)
        }
    }

    /// Says what of a pipe is lost when the source stops in the middle of a line.
    func tellLost() {
        for file in files where file.reader.isStream && file.bytesOfOpenLine > 0 {
            logger.warning(
                "A pipe was left in the middle of a line, whose beginning is lost",
                metadata: ["path": "\(file.reader.input.label)", "bytes": "\(file.bytesOfOpenLine)"])
        }
    }

    private func tellReplaced(_ file: FileProgress) {
        logger.warning(
            "A file was cut short or written anew while it was read; it counts up to where it was read before that",
            metadata: [
                "path": "\(file.reader.input.label)", "next_offset": "\(file.reached)",
                "hint": "the next run reads what stands there now from its start",
            ])
    }

    private func tellUnfinished(_ file: Opened) {
        guard !file.head.bytes.isEmpty else { return }
        tell(FileProgress.Unfinished(start: 0, bytes: file.reader.size ?? 0), file.label)
    }

    private func tell(_ unfinished: FileProgress.Unfinished, _ label: String) {
        logger.warning(
            "A file ends in the middle of a line, which is read when the rest of it is there",
            metadata: [
                "path": "\(label)", "byte": "\(unfinished.start)", "bytes": "\(unfinished.bytes)",
                "hint": "if it is the last line, put a newline behind it",
            ])
    }

    // MARK: - Reading

    /// Reads every open file to its end and has it committed. False when a rewind is due or the source is to stop.
    mutating func read(_ intake: Intake) throws -> Bool {
        for file in files where !file.hasEnded {
            if try isCopy(file) { continue }
            let outcome = try file.read(into: intake)
            positions.moved(file.key, to: file.reached, tail: file.tail)
            guard outcome == .ended else { return false }
            if let unfinished = file.unfinished { tell(unfinished, file.reader.input.label) }
            if file.wasReplaced { tellReplaced(file) }
            file.reader.rest()
        }
        // A fence may still come for what is in flight: a file is read only when nothing needs to be read again.
        while !intake.isStopping {
            if intake.needsRewind { return false }
            if intake.flush(within: .seconds(5)) { return !intake.needsRewind }
        }
        return false
    }

    /// Closes the files, all of whose records are committed. Streams stay: they cannot be opened again.
    mutating func closeFiles() {
        for file in files where !file.reader.isStream {
            closed[file.partition] = (file.key, file.reader.input.label, file.reached)
        }
        files.removeAll { !$0.reader.isStream }
    }

    // MARK: - Rewinding

    /// Everything since the last commit was dropped: goes on where the database says.
    mutating func rewind(_ intake: Intake) throws {
        let still = try intake.reclaim().owned
        // A database that was restored to before the first claim has no position: the file begins again.
        try intake.begin(still.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        guard still.count == claims else {
            throw SourceError(
                code: .takenOver,
                description: "file: another instance of this topology reads the same files and has taken them over; "
                    + "files are read by one instance")
        }
        for (index, partition) in still {
            if let file = files.first(where: { $0.partition == index }) {
                if file.isLeftOut { continue }
                try file.rewind(to: partition)
                positions.moved(file.key, to: file.reached, tail: file.tail)
            } else if let done = closed[index], partition.nextOffset != done.reached {
                try reopen(done.path, index, partition)
            }
        }
    }

    /// The database was restored to before the end of a file that is closed.
    private mutating func reopen(_ path: String, _ index: Int, _ partition: ClaimedPartition) throws {
        let reader = try FileReader(path: path)
        let head = FileHead(try reader.bytes(at: 0, count: FileHead.bytesMax))
        let known = FilePositions([partition])
        guard case .continues = try known.judge(0, reader, head) else {
            throw SourceError.file(
                path,
                "the database went back to byte \(partition.nextOffset ?? 0), and the file that was read is no longer "
                    + "there under its name; move it back")
        }
        closed[index] = nil
        files.append(
            try FileProgress(
                reader, head: FileHead(Array(head.bytes.prefix(Int(clamping: partition.nextOffset ?? 0)))),
                partition: index, claimed: partition, recordBytesMax: recordBytesMax, memory: memory))
    }
}
