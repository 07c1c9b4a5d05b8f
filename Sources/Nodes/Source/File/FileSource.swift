package import Dataflow
import Synchronization

/// The `file` source: newline-delimited JSON from files or standard input, plain or gzip, read once each, in order of
/// their names.
///
/// A file is a partition of its own whose offsets are byte positions in the uncompressed data, so that a run continues
/// where the last one committed. Standard input cannot be read again: what a run gets there continues what earlier runs
/// got.
package final class FileSource: Source {
    private let patterns: [String]
    private let trouble = Mutex<String?>(nil)

    /// Creates a source over paths and shell patterns; `-` is standard input.
    package init(patterns: [String]) { self.patterns = patterns }

    package func run(_ intake: Intake) throws {
        var paths: [String] = []
        for pattern in patterns {
            let found = FilePattern.expand(pattern)
            guard !found.isEmpty else { throw SourceError.file(pattern, "no file matches this pattern") }
            for path in found.map(FilePattern.absolute) where !paths.contains(path) { paths.append(path) }
        }
        let keys = paths.map { PartitionKey(topic: "file:\($0)", partition: 0) }
        var claimed = try intake.claim(keys)
        try intake.begin(claimed.filter { $0.partition.nextOffset == nil }.map { ($0.index, 0) })
        while true {
            let isDone = try readAll(claimed, intake)
            if isDone || intake.isStopping { return }
            let still = try intake.reclaim().owned
            guard still.count == claimed.count else {
                throw SourceError(
                    code: .takenOver,
                    description:
                        "file: another instance of this topology reads the same files and has taken them over; "
                        + "files are read by one instance")
            }
            claimed = still
        }
    }

    package func close(_ intake: Intake) {}

    package var status: SourceStatus { SourceStatus(lag: nil, trouble: trouble.withLock { $0 }) }

    /// Reads every file to its end. False when a rewind is due.
    private func readAll(_ claimed: [(index: Int, partition: ClaimedPartition)], _ intake: Intake) throws -> Bool {
        for (index, partition) in claimed.sorted(by: { $0.partition.key < $1.partition.key }) {
            let path = String(partition.key.topic.dropFirst("file:".count))
            var file = try FileProgress(path: path, partition: index, claimed: partition)
            guard try file.read(into: intake) else { return false }
            if intake.isStopping { return true }
        }
        // A fence may still come for what is in flight: the source has ended only when nothing needs to be read again.
        if intake.flush(within: .seconds(1 << 20)) { return true }
        return !intake.needsRewind
    }
}

/// One file being read.
private struct FileProgress {
    private let path: String
    private let partition: Int
    private let reader: FileReader
    /// Byte position of the next byte to read.
    private var position: Int64
    /// Bytes of the line that the last batch ended in.
    private var carry: [UInt8] = []

    init(path: String, partition: Int, claimed: ClaimedPartition) throws(SourceError) {
        self.path = path
        self.partition = partition
        reader = try FileReader(path: path)
        position = claimed.nextOffset ?? 0
        if path != "-" {
            if let tail = claimed.tail { try check(tail, next: position) }
            if position > 0 { try reader.seek(to: position) }
        }
    }

    /// Reads to the end. False when a rewind is due.
    mutating func read(into intake: Intake) throws -> Bool {
        while true {
            guard let batch = intake.makeBatch(timeout: .seconds(1)) else {
                if intake.needsRewind { return false }
                if intake.isStopping { return true }
                continue
            }
            let hasEnded = try fill(batch, intake)
            if batch.runs.isEmpty { intake.recycle(batch) } else { intake.submit(batch) }
            if hasEnded { return true }
            if intake.isStopping { return true }
        }
    }

    /// Fills a batch with whole lines. True at the end of the file.
    private mutating func fill(_ batch: Batch, _ intake: Intake) throws -> Bool {
        batch.framing = .chunk
        let start = position - Int64(carry.count)
        var length = 0
        if !carry.isEmpty {
            length = unsafe batch.fill(limit: carry.count) { target in
                unsafe target.copyBytes(from: carry)
                return carry.count
            }
            carry.removeAll(keepingCapacity: true)
        }
        var hasEnded = false
        var lineEnd: Int?
        let deadline = ContinuousClock.now + Limits.batchLinger
        while true {
            let limit = lineEnd == nil ? max(batch.room - 1, 64 * 1024) : batch.room - 1
            guard limit >= 4_096 else { break }
            guard reader.isReady(timeout: lineEnd == nil ? .milliseconds(200) : .milliseconds(5)) else {
                if lineEnd != nil || intake.isStopping { break }
                continue
            }
            let count = try unsafe batch.fill(limit: limit) { target in unsafe try reader.read(into: target) }
            if count == 0 {
                hasEnded = true
                break
            }
            let fresh = unsafe UnsafeRawBufferPointer(start: batch.base + length, count: count)
            if let found = unsafe ByteSearch.lastNewline(in: fresh) { lineEnd = length + found + 1 }
            length += count
            position += Int64(count)
            guard length <= SourceLimits.lineBytesMax || lineEnd != nil else {
                throw SourceError.file(
                    path, "the line at byte \(start) is longer than \(SourceLimits.lineBytesMax) bytes; is it NDJSON?")
            }
            if lineEnd != nil, .now >= deadline { break }
        }
        finish(batch, start: start, length: length, lineEnd: hasEnded ? length : lineEnd ?? 0)
        return hasEnded
    }

    /// Makes the whole lines one run, and keeps the rest for the next batch.
    private mutating func finish(_ batch: Batch, start: Int64, length: Int, lineEnd: Int) {
        unsafe carry.append(
            contentsOf: UnsafeRawBufferPointer(start: batch.base + lineEnd, count: length - lineEnd))
        batch.truncate(to: lineEnd)
        guard lineEnd > 0 else { return }
        batch.addMessage(start: 0, end: lineEnd, offset: start)
        let bytes = unsafe UnsafeRawBufferPointer(start: batch.base, count: lineEnd)
        batch.runs = [
            BatchRun(
                partition: partition, from: start, messages: 0..<1, tombstones: 0, nextOffset: start + Int64(lineEnd),
                tail: unsafe Self.tail(of: bytes, at: start))
        ]
    }

    /// The last line of a chunk.
    private static func tail(of chunk: UnsafeRawBufferPointer, at start: Int64) -> Tail {
        var end = chunk.count
        if end > 0, unsafe chunk[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        let lineStart = unsafe ByteSearch.lastNewline(in: UnsafeRawBufferPointer(rebasing: chunk[..<end])).map {
            $0 + 1
        }
        let line = unsafe UnsafeRawBufferPointer(rebasing: chunk[(lineStart ?? 0)..<end])
        return Tail(
            offset: start + Int64(lineStart ?? 0), timestamp: nil, checksum: unsafe Checksum.of(line))
    }

    /// Compares the last line that was read before with the file as it is now.
    private func check(_ tail: Tail, next: Int64) throws(SourceError) {
        try reader.seek(to: tail.offset)
        var line = [UInt8](repeating: 0, count: Int(next - tail.offset))
        var filled = 0
        while filled < line.count {
            var count = 0
            do {
                count = try unsafe line.withUnsafeMutableBytes { bytes in
                    unsafe try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]))
                }
            } catch let error as SourceError {
                throw error
            } catch {
                preconditionFailure("FileReader.read throws SourceError only")
            }
            if count == 0 { break }
            filled += count
        }
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        guard filled >= line.count, Checksum.of(line) == tail.checksum else {
            throw SourceError(
                code: .tailMismatch,
                description: "file \(path): the line at byte \(tail.offset) is not the one that was read last time, so "
                    + "the file was truncated or replaced; give the new file another name, or delete its row in "
                    + "millrace.partitions to read it from the start")
        }
    }
}
