import Dataflow
import Foundation
import Platform

/// Finds lines of a file again by their positions.
final class ReplayFiles: ReplayRecords {
    private let key: PartitionKey
    private let recordBytesMax: Int
    /// Nil when no file holds what was read.
    private let reader: FileReader?
    /// Why there is none.
    private let obstacle: String
    /// Bytes of the file, from `start` on.
    private var bytes: [UInt8] = []
    private var start: Int64 = 0
    private var hasEnded = false

    private static let chunkBytes = 256 << 10
    private static let noLine = "no line begins at its place in the file"

    /// - Parameters:
    ///   - row: where the topology stands in the file: by it the file is known, whatever it is called now.
    ///   - recordBytesMax: no more of a line is read.
    init(_ plan: FilePlan, _ key: PartitionKey, _ row: ClaimedPartition?, recordBytesMax: Int) throws {
        self.key = key
        self.recordBytesMax = recordBytesMax
        let path = Self.path(of: key)
        guard path != "-" else {
            (reader, obstacle) = (nil, "it came from standard input, which cannot be read again")
            return
        }
        let paths = [path] + plan.patterns.flatMap { FilePattern.expand($0.text).paths }.filter { $0 != path }
        reader = try Self.file(at: paths, row)
        obstacle =
            "no file of the topology holds what was read as \(path): it was removed, changed or packed differently"
    }

    /// The path under which a position was made: `file:PATH`, and `#2` behind it for the second file of one path.
    static func path(of key: PartitionKey) -> String {
        let name = key.topic.dropFirst("file:".count)
        guard let mark = name.lastIndex(of: "#"), Int(name[name.index(after: mark)...]) != nil else {
            return String(name)
        }
        return String(name[..<mark])
    }

    /// Whether a path is one of those that a source names.
    static func reads(_ path: String, _ plan: FilePlan) -> Bool {
        plan.patterns.contains { pattern in
            FilePattern.expand(pattern.text).paths.contains { FilePattern.absolute($0) == path }
        }
    }

    /// The first file that goes on as far as was read, and holds the same.
    private static func file(at paths: [String], _ row: ClaimedPartition?) throws -> FileReader? {
        guard let row else { return nil }
        let positions = FilePositions([row])
        for path in paths where isRegular(path) {
            guard let reader = try? FileReader(path: path) else { continue }
            let head = FileHead(try reader.bytes(at: 0, count: FileHead.bytesMax))
            if case .continues = try positions.judge(0, reader, head) { return reader }
        }
        return nil
    }

    /// Opening a pipe would wait for whoever writes to it.
    private static func isRegular(_ path: String) -> Bool {
        let values = try? URL(fileURLWithPath: path).resolvingSymlinksInPath().resourceValues(forKeys: [
            .isRegularFileKey
        ])
        return values?.isRegularFile == true
    }

    var framing: Framing { .chunk }

    var silence: SourceError { SourceError.file(Self.path(of: key), "it cannot be read") }

    func find(_ offsets: ArraySlice<Int64>, room: Int, into batch: Batch) throws -> [String?] {
        var found: [String?] = []
        batch.writtenBy = reader?.input.changed
        for offset in offsets.prefix(room) {
            guard found.isEmpty || batch.room > 4_096 else { break }
            guard let line = try line(at: offset) else {
                found.append(reader == nil ? obstacle : Self.noLine)
                continue
            }
            if found.isEmpty, offset == 0 { batch.beginsWithMark = ByteOrderMark.begins(line) }
            unsafe line.withUnsafeBytes { unsafe batch.append($0, offset: offset, timestamp: nil) }
            found.append(nil)
        }
        return found
    }

    /// The line that begins at a position, without its newline; nil when none begins there.
    private func line(at offset: Int64) throws -> ArraySlice<UInt8>? {
        guard reader != nil else { return nil }
        // The byte in front of it ends another line.
        let first = max(0, offset - 1)
        try goTo(first)
        if offset > 0 {
            guard try load(through: first), byte(at: first) == UInt8(ascii: "\n") else { return nil }
        }
        guard try load(through: offset) else { return nil }
        var searched = Int(offset - start)
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return bytes[Int(offset - start)..<min(end, Int(offset - start) + recordBytesMax + 1)]
            }
            searched = bytes.count
            let isLong = searched - Int(offset - start) > recordBytesMax
            if isLong { return bytes[Int(offset - start)...].prefix(recordBytesMax + 1) }
            guard try load(through: start + Int64(searched)) else { return bytes[Int(offset - start)...] }
        }
    }

    private func byte(at position: Int64) -> UInt8 { bytes[Int(position - start)] }

    /// Forgets what lies in front of a position.
    private func goTo(_ position: Int64) throws {
        if position >= start, position <= start + Int64(bytes.count) {
            let passed = Int(position - start)
            guard passed > Self.chunkBytes else { return }
            bytes.removeFirst(passed)
            start = position
            return
        }
        bytes = []
        start = position
        hasEnded = try reader?.seek(to: position) == false
    }

    /// Reads on until a position is there. False when the file ends before it.
    private func load(through position: Int64) throws -> Bool {
        while start + Int64(bytes.count) <= position {
            guard !hasEnded, let reader else { return false }
            let more = try reader.bytes(at: start + Int64(bytes.count), count: Self.chunkBytes)
            if more.count < Self.chunkBytes { hasEnded = true }
            guard !more.isEmpty else { return false }
            bytes += more
        }
        return true
    }
}
