import Dataflow
import Logging

/// Copies: files of one run that begin alike as far as one of them goes, and would count twice.
extension FileWork {
    /// What a file is a copy of.
    private struct Original {
        var label: String
        /// What they have in common.
        var how: String
        /// Bytes of the copy that the original does not have; 0 when it has all.
        var more: Int64 = 0
    }

    /// Whether a file that is about to be read from its start is a copy of another one of this run, and is left out.
    func isCopy(_ file: FileProgress) throws -> Bool {
        guard !file.reader.isStream, file.reached == 0, plan.copies != .count else { return false }
        let head = FileHead(try file.reader.bytes(at: 0, count: FileHead.bytesMax))
        let original = try readOriginal(of: file, head) ?? longerOriginal(of: file, head)
        guard try file.reader.seek(to: 0) else { return false }
        guard let original else { return false }
        let label = file.reader.input.label
        guard original.more == 0 else {
            throw SourceError.file(
                label,
                "it \(original.how), and goes on for \(original.more) bytes that are not there: read, what both have would be "
                    + "counted twice, and left out, its rest would be lost; take \(original.label) out of the files, and this "
                    + "one goes on where that was left; or say `copies: count` in node \(plan.node)")
        }
        guard plan.copies == .skip else {
            throw SourceError.file(
                label,
                "it \(original.how), so it is a copy of it, and its records would be counted twice; leave one of them out, "
                    + "or say what is meant: `copies: skip` or `copies: count` in node \(plan.node)")
        }
        logger.notice(
            "A copy of a file is left out", metadata: ["path": "\(label)", "original": "\(original.label)"])
        file.leaveOut()
        return true
    }

    /// A file of this run all of which, as far as it was read, stands at the beginning of another one.
    private func readOriginal(of file: FileProgress, _ head: FileHead) throws -> Original? {
        let found = try positions.continued(by: file.reader, head).map { positions.entries[$0] }
        // Blank lines alone make no copy.
        let entry = found.first {
            $0.key != file.key && $0.file != nil && LastLine.hasContent(head.bytes.prefix(Int(clamping: $0.next)))
        }
        guard let entry, let label = entry.file else { return nil }
        return Original(
            label: label, how: "begins with all \(entry.next) bytes that were read of \(label)",
            more: try bytesBeyond(entry, label, of: file.reader))
    }

    /// How many bytes a file has behind what another one was read of; 0 when that has all of them by now.
    /// - Throws: when the file is damaged there.
    private func bytesBeyond(_ entry: FilePositions.Entry, _ label: String, of reader: FileReader) throws -> Int64 {
        guard try reader.seek(to: entry.next + 1) else { return 0 }
        let size = try wholeLength(of: reader)
        let original = files.first { $0.key == entry.key }
        guard let other = original?.reader ?? (try? FileReader(path: label)) else { return size - entry.next }
        // It may be read on yet.
        defer { if let original { _ = try? other.seek(to: original.reached) } }
        return try haveOneEnd(reader, other, at: size, from: entry.next) ? 0 : size - entry.next
    }

    /// A file that was read in this run and that begins with all of a shorter one: an older copy, a backup, or what
    /// copytruncate has copied and not yet truncated. Beginning and end are compared.
    private func longerOriginal(of file: FileProgress, _ head: FileHead) throws -> Original? {
        guard LastLine.hasContent(head.bytes[...]) else { return nil }
        for other in files where other.partition != file.partition && !other.reader.isStream && !other.isLeftOut {
            guard let whole = other.reader.size, file.reader.size ?? 0 <= other.reached else { continue }
            // It may not have been read on yet.
            defer { _ = try? other.reader.seek(to: other.reached) }
            guard try other.reader.bytes(at: 0, count: head.bytes.count) == head.bytes else { continue }
            guard let size = length(of: file.reader, upTo: min(other.reached, whole)) else { continue }
            guard try haveOneEnd(file.reader, other.reader, at: size, from: 0) else { continue }
            let label = other.reader.input.label
            return Original(label: label, how: "is what \(label), of which more was read, begins with")
        }
        return nil
    }

    /// Whether two files have the same last bytes before a position, of those behind another one.
    private func haveOneEnd(_ a: FileReader, _ b: FileReader, at end: Int64, from start: Int64) throws -> Bool {
        let first = max(start, end - Int64(FileHead.bytesMax))
        let count = Int(end - first)
        return try a.bytes(at: first, count: count) == b.bytes(at: first, count: count)
    }

    /// How many bytes a file holds; nil when it is more than `limit`. A packed one is unpacked to see it.
    private func length(of reader: FileReader, upTo limit: Int64) -> Int64? {
        if let size = reader.size { return size <= limit ? size : nil }
        // What cannot be unpacked is no copy; reading says what is wrong with it.
        return (try? reader.seek(to: limit + 1)) == false ? reader.position : nil
    }

    /// How many bytes a file holds.
    /// - Throws: when it cannot be unpacked.
    private func wholeLength(of reader: FileReader) throws -> Int64 {
        if let size = reader.size { return size }
        _ = try reader.seek(to: .max)
        return reader.position
    }
}
