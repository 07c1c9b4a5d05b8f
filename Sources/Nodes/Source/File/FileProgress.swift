import Dataflow
import Platform

/// One file or stream being read, batch by batch.
final class FileProgress {
    /// Why reading paused.
    enum Outcome { case ended, rewind, stopping }

    /// What stays behind a file's last newline.
    struct Unfinished {
        var start: Int64
        var bytes: Int64
    }

    let key: PartitionKey
    let partition: Int
    let reader: FileReader
    private let recordBytesMax: Int
    private let replay: StreamReplay?
    /// Where its first byte is: a stream continues what earlier runs got.
    private let origin: Int64
    /// Position of the next byte to take.
    private var position: Int64
    private var head: FileHead
    /// Bytes of the line that the last batch ended in, with lines behind it after a long one was skipped.
    private var carry: [UInt8] = []
    private var scratch: [UInt8] = []
    private(set) var hasEnded = false
    /// Whether it is not to be read at all.
    private(set) var isLeftOut = false
    /// Where the last run ended, and its tail.
    private(set) var reached: Int64
    private(set) var tail: Tail?
    /// A line without an end, which the next run reads.
    private(set) var unfinished: Unfinished?
    /// Whether it ended because something else was written in its place while it was read.
    private(set) var wasReplaced = false
    /// Called once when nothing has come from a stream for a while after its start.
    var onSilence: (() -> Void)?
    private let opened = ContinuousClock.now

    /// - Parameters:
    ///   - head: the beginning of a regular file.
    ///   - recordBytesMax: the longest line that is kept; the rest of a longer one is skipped.
    init(
        _ reader: FileReader, head: FileHead, partition: Int, claimed: ClaimedPartition, recordBytesMax: Int,
        memory: MemoryAccountant
    ) throws {
        self.reader = reader
        self.recordBytesMax = recordBytesMax
        self.head = head
        self.partition = partition
        key = claimed.key
        position = claimed.nextOffset ?? 0
        origin = reader.isStream ? position : 0
        reached = position
        tail = claimed.tail
        replay =
            reader.isStream ? StreamReplay(at: position, memory: memory, recordBytesMax: recordBytesMax) : nil
        try goTo(position)
    }

    /// Reads on at a position that was committed, after everything since was dropped.
    func rewind(to claimed: ClaimedPartition) throws {
        (reached, tail) = (claimed.nextOffset ?? 0, claimed.tail)
        (hasEnded, unfinished) = (false, nil)
        carry.removeAll()
        try goTo(reached)
    }

    private func goTo(_ wanted: Int64) throws {
        if let replay {
            guard wanted >= replay.base, wanted <= replay.end else {
                throw SourceError(
                    code: .gap,
                    description:
                        "file \(reader.input.label): the database went back to byte \(wanted), and what a stream "
                        + "gave before byte \(replay.base) cannot be read again")
            }
        } else {
            guard try reader.seek(to: wanted) else {
                throw SourceError.file(reader.input.label, "it ends before byte \(wanted), where the last run stopped")
            }
            head.cut(to: wanted)
        }
        position = wanted
    }

    /// How much of a line has been taken that has no end yet.
    var bytesOfOpenLine: Int { carry.count }

    /// Makes this a file that is not read.
    func leaveOut() { (isLeftOut, hasEnded) = (true, true) }

    /// Reads to the end.
    func read(into intake: Intake) throws -> Outcome {
        while !hasEnded {
            guard let batch = intake.makeBatch(timeout: .seconds(1)) else {
                if intake.needsRewind { return .rewind }
                if intake.isStopping { return .stopping }
                continue
            }
            try fill(batch, intake)
            if batch.runs.isEmpty { intake.recycle(batch) } else { intake.submit(batch) }
            if intake.isStopping { return .stopping }
            if let replay { keepUp(replay, intake) }
        }
        return .ended
    }

    /// Lets go of what is committed, and waits for commits while no more can be kept.
    private func keepUp(_ replay: StreamReplay, _ intake: Intake) {
        guard replay.bytes > replay.bytesMax / 4 else { return }
        func trim() { if let committed = intake.takeCommitted()[key] { replay.trim(to: committed) } }
        trim()
        // From the half on an epoch is asked to end; it is written while the other half fills.
        if replay.bytes > replay.bytesMax / 2 { _ = intake.flush(within: .zero) }
        while replay.isFull, !intake.needsRewind, !intake.isStopping {
            _ = intake.flush(within: .seconds(1))
            trim()
        }
    }

    /// Takes the next bytes: of what is kept, then of what is read. 0 at the end, nil when none came within `timeout`.
    private func next(into buffer: UnsafeMutableRawBufferPointer, timeout: Duration) throws -> Int? {
        if let replay, position < replay.end {
            switch unsafe replay.read(at: position, into: buffer) {
            case .bytes(let count):
                position += Int64(count)
                return count
            case .skipped: preconditionFailure("only the rest of a long line was skipped")
            }
        }
        guard let count = try unsafe reader.read(into: buffer, timeout: timeout) else { return nil }
        position += Int64(count)
        unsafe replay?.append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        return count
    }

    private func tellSilence() {
        guard let tell = onSilence, replay != nil, position == 0, .now - opened >= SourceLimits.silence else { return }
        onSilence = nil
        tell()
    }

    /// Fills a batch with whole lines.
    private func fill(_ batch: Batch, _ intake: Intake) throws {
        batch.framing = .chunk
        defer { batch.writtenBy = reader.input.changed }
        let start = position - Int64(carry.count)
        var length = takeCarry(into: batch)
        var lineEnd = unsafe ByteSearch.lastNewline(in: UnsafeRawBufferPointer(start: batch.base, count: length))
            .map { $0 + 1 }
        let deadline = ContinuousClock.now + Limits.batchLinger
        while true {
            if lineEnd == nil, length > recordBytesMax { return try finishLongLine(batch, start, intake) }
            let limit = lineEnd == nil ? max(batch.room - 1, 64 * 1024) : batch.room - 1
            guard limit >= 4_096 else { break }
            let timeout = Duration.milliseconds(lineEnd == nil ? 200 : 5)
            var isIdle = false
            let count = try unsafe batch.fill(limit: limit) { target in
                guard let count = try unsafe next(into: target, timeout: timeout) else {
                    isIdle = true
                    return 0
                }
                return count
            }
            if isIdle {
                tellSilence()
                if lineEnd != nil || intake.isStopping || intake.needsRewind { break }
                continue
            }
            if count == 0 {
                hasEnded = true
                break
            }
            let fresh = unsafe UnsafeRawBufferPointer(start: batch.base + length, count: count)
            if let found = unsafe ByteSearch.lastNewline(in: fresh) { lineEnd = length + found + 1 }
            length += count
            if lineEnd != nil, .now >= deadline { break }
        }
        guard try isWhatItWas(batch) else { return }
        let end = hasEnded ? endOfFile(batch, start, lineEnd: lineEnd ?? 0, length: length) : lineEnd ?? 0
        finish(batch, start: start, length: length, lineEnd: end)
    }

    /// Whether a batch was read of the file that was opened. If something else stands in its place by now, as after
    /// `copytruncate`, nobody knows to which of them the bytes belong: they are dropped, and the file ends before them.
    private func isWhatItWas(_ batch: Batch) throws -> Bool {
        if try reader.isStream || reader.stillBeginsAsItDid() { return true }
        (hasEnded, wasReplaced) = (true, true)
        carry.removeAll()
        batch.truncate(to: 0)
        return false
    }

    private func takeCarry(into batch: Batch) -> Int {
        guard !carry.isEmpty else { return 0 }
        let count = unsafe batch.fill(limit: carry.count) { target in
            unsafe target.copyBytes(from: carry)
            return carry.count
        }
        carry.removeAll(keepingCapacity: true)
        return count
    }

    /// How much of the last bytes counts. What can still grow ends with its last whole line or record; nothing follows in a
    /// stream.
    private func endOfFile(_ batch: Batch, _ start: Int64, lineEnd: Int, length: Int) -> Int {
        guard reader.canGrow else { return length }
        let rest = unsafe UnsafeRawBufferPointer(start: batch.base + lineEnd, count: length - lineEnd)
        switch unsafe LastLine.kind(of: rest, beginsFile: start + Int64(lineEnd) == origin) {
        case .whole: return length
        case .blank: return lineEnd
        case .unfinished:
            unfinished = Unfinished(start: start + Int64(lineEnd), bytes: Int64(length - lineEnd))
            return lineEnd
        }
    }

    /// Makes the whole lines one run, and keeps the rest for the next batch.
    private func finish(_ batch: Batch, start: Int64, length: Int, lineEnd: Int) {
        if !hasEnded {
            unsafe carry.append(
                contentsOf: UnsafeRawBufferPointer(start: batch.base + lineEnd, count: length - lineEnd))
        }
        batch.truncate(to: lineEnd)
        guard lineEnd > 0 else { return }
        let bytes = unsafe UnsafeRawBufferPointer(start: batch.base, count: lineEnd)
        batch.beginsWithMark = unsafe start == origin && ByteOrderMark.begins(bytes)
        let (lineStart, line) = unsafe Self.lastLine(of: bytes)
        unsafe head.append(bytes)
        unsafe addRun(batch, start: start, length: lineEnd, next: start + Int64(lineEnd), tailOffset: lineStart, line)
    }

    private func addRun(
        _ batch: Batch, start: Int64, length: Int, next: Int64, tailOffset: Int, _ line: UnsafeRawBufferPointer
    ) {
        batch.addMessage(start: 0, end: length, offset: start)
        let tail = Tail(
            offset: start + Int64(tailOffset), timestamp: reader.isStream ? nil : head.checksum(upTo: next),
            checksum: unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: line.prefix(SourceLimits.tailBytesMax))))
        batch.runs = [
            BatchRun(partition: partition, from: start, messages: 0..<1, tombstones: 0, nextOffset: next, tail: tail)
        ]
        (reached, self.tail) = (next, tail)
    }

    /// The last line of a chunk, without its newline.
    private static func lastLine(of chunk: UnsafeRawBufferPointer) -> (start: Int, bytes: UnsafeRawBufferPointer) {
        var end = chunk.count
        if end > 0, unsafe chunk[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        let start =
            unsafe ByteSearch.lastNewline(in: UnsafeRawBufferPointer(rebasing: chunk[..<end])).map { $0 + 1 } ?? 0
        return unsafe (start, UnsafeRawBufferPointer(rebasing: chunk[start..<end]))
    }
}

// MARK: - Lines beyond the limit

extension FileProgress {
    /// The batch holds the beginning of a line that is too long for a record. As much of it as makes the parser refuse it
    /// becomes a run of its own; the rest is skipped, so that it never takes more memory than one record.
    private func finishLongLine(_ batch: Batch, _ start: Int64, _ intake: Intake) throws {
        guard let end = try skipLine(intake) else {
            // Stopped, or to be read again, or not whole yet.
            batch.truncate(to: 0)
            carry.removeAll()
            if hasEnded { unfinished = Unfinished(start: start, bytes: position - start) }
            return
        }
        guard try isWhatItWas(batch) else { return }
        let kept = recordBytesMax + 1
        batch.truncate(to: kept)
        let line = unsafe UnsafeRawBufferPointer(start: batch.base, count: kept)
        unsafe head.append(line)
        if !reader.isStream, head.bytes.count < min(Int64(FileHead.bytesMax), end) { head = try readHead(upTo: end) }
        unsafe addRun(batch, start: start, length: kept, next: end, tailOffset: 0, line)
    }

    /// The head of a regular file when skipped bytes belong to it.
    private func readHead(upTo end: Int64) throws -> FileHead {
        let place = reader.position
        let bytes = try reader.bytes(at: 0, count: Int(min(end, Int64(FileHead.bytesMax))))
        guard try reader.seek(to: place) else {
            throw SourceError.file(reader.input.label, "it was cut short while it was read")
        }
        return FileHead(bytes)
    }

    /// Skips to the end of the line. What follows its newline is carried over.
    /// - Returns: the position behind the newline, or behind the last byte of what cannot grow; nil when there is none yet.
    private func skipLine(_ intake: Intake) throws -> Int64? {
        if scratch.isEmpty { scratch = [UInt8](repeating: 0, count: 64 * 1024) }
        while !intake.isStopping, !intake.needsRewind {
            guard let (found, count) = try skipSome() else { continue }
            if count == 0 {
                hasEnded = true
                return reader.canGrow ? nil : position
            }
            guard let found else { continue }
            carry = Array(scratch[(found + 1)..<count])
            return position - Int64(count - found - 1)
        }
        return nil
    }

    /// Reads on in a long line.
    /// - Returns: how many bytes stand in `scratch` and where the newline is among them; nil when none came or some were
    ///   skipped at once.
    private func skipSome() throws -> (newline: Int?, count: Int)? {
        let replayed = replay.map { position < $0.end } ?? false
        let count = try unsafe scratch.withUnsafeMutableBytes { buffer -> Int? in
            if replayed, let replay {
                switch unsafe replay.read(at: position, into: buffer) {
                case .bytes(let count): return count
                case .skipped(let count):
                    position += Int64(count)
                    return nil
                }
            }
            return try unsafe reader.read(into: buffer, timeout: .milliseconds(200))
        }
        guard let count else { return nil }
        position += Int64(count)
        let newline = unsafe scratch.withUnsafeBytes {
            unsafe ByteSearch.firstNewline(in: UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        if let replay, !replayed {
            let kept = newline ?? count
            replay.skip(kept)
            unsafe scratch.withUnsafeBytes {
                unsafe replay.append(UnsafeRawBufferPointer(rebasing: $0[kept..<count]))
            }
        }
        return (newline, count)
    }
}
