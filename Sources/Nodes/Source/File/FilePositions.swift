import Dataflow

/// The positions a topology has in files, found by what the files hold: a file that was renamed, rotated or packed since goes
/// on where it was left, and another one under an old path begins at its start.
///
/// A position remembers the beginning of its file (`FileHead`) and its last line. A file continues it when both are there,
/// at the same places of its unpacked bytes.
struct FilePositions {
    /// A position, and the file of this run that has it.
    struct Entry {
        let key: PartitionKey
        var next: Int64
        var tail: Tail?
        var file: String?

        /// The checksum of the file's beginning; nil from a version that stored none, and where nothing was read.
        var head: Int64? { tail?.timestamp }
    }

    /// What a position says of a file under whose path it was made.
    enum Judgement { case continues, other, damaged(String) }

    private(set) var entries: [Entry] = []
    private var byKey: [PartitionKey: Int] = [:]
    private var byFirstLine: [UInt32: [Int]] = [:]

    init(_ known: [ClaimedPartition]) {
        for partition in known.sorted(by: { $0.key < $1.key }) {
            add(Entry(key: partition.key, next: partition.nextOffset ?? 0, tail: partition.tail))
        }
    }

    private mutating func add(_ entry: Entry) {
        byKey[entry.key] = entries.count
        if let head = entry.head { byFirstLine[FileHead.firstLine(of: head), default: []].append(entries.count) }
        entries.append(entry)
    }

    /// The key of the `number`th file, from 1, that is read under a path.
    static func key(_ path: String, _ number: Int) -> PartitionKey {
        PartitionKey(topic: number == 1 ? "file:\(path)" : "file:\(path)#\(number)", partition: 0)
    }

    /// The entries made under a path, the latest first.
    func made(under path: String) -> [Int] {
        var found: [Int] = []
        var number = 1
        while let index = byKey[Self.key(path, number)] {
            found.append(index)
            number += 1
        }
        return found.reversed()
    }

    /// Gives an entry to a file.
    mutating func take(_ index: Int, by file: String) { entries[index].file = file }

    /// Makes an entry for a file that none has.
    mutating func addNew(_ path: String) -> PartitionKey {
        let key = Self.key(path, made(under: path).count + 1)
        add(Entry(key: key, next: 0, tail: nil, file: path))
        return key
    }

    /// Notes how far a file was read.
    mutating func moved(_ key: PartitionKey, to next: Int64, tail: Tail?) {
        guard let index = byKey[key] else { return }
        let isNew = entries[index].head != tail?.timestamp
        entries[index].next = next
        entries[index].tail = tail
        if isNew, let head = tail?.timestamp {
            byFirstLine[FileHead.firstLine(of: head), default: []].append(index)
        }
    }

    /// The entries that `file` continues by what it holds, the farthest first.
    func continued(by file: FileReader, _ head: FileHead) throws -> [Int] {
        var head = head
        let all = head.checksum(upTo: Int64(FileHead.bytesMax))
        var found: [Int] = []
        for index in byFirstLine[FileHead.firstLine(of: all)] ?? [] where !found.contains(index) {
            if try continues(entries[index], file, &head) { found.append(index) }
        }
        return found.sorted { entries[$0].next > entries[$1].next }
    }

    /// Whether `file` holds, up to the position, what was read before.
    private func continues(_ entry: Entry, _ file: FileReader, _ head: inout FileHead) throws -> Bool {
        guard entry.next > 0, let tail = entry.tail, Self.problem(entry) == nil else { return false }
        if let size = file.size, size < entry.next { return false }
        if let checksum = entry.head, head.checksum(upTo: entry.next) != checksum { return false }
        // Positions without a checksum of the beginning have one of the whole line.
        let limit = entry.head == nil ? SourceLimits.oldLineBytesMax + 1 : SourceLimits.tailBytesMax
        var line = try file.bytes(at: tail.offset, count: Int(min(Int64(limit), entry.next - tail.offset)))
        guard line.count == min(limit, Int(entry.next - tail.offset)) else { return false }
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        guard Checksum.of(line) == tail.checksum else { return false }
        return try file.seek(to: entry.next)
    }

    /// What an entry says of the file that is now at the path under which it was made.
    func judge(_ index: Int, _ file: FileReader, _ head: FileHead) throws -> Judgement {
        let entry = entries[index]
        if let problem = Self.problem(entry) { return .damaged(problem) }
        guard entry.next > 0 else { return .continues }
        var head = head
        if entry.tail != nil {
            if try continues(entry, file, &head) { return .continues }
            guard let checksum = entry.head else {
                // What a pipe on standard input gave has nothing to do with a file that is there now.
                if file.input.label == "-" { return .other }
                return .damaged("the line in front of byte \(entry.next) is not the one that was read last time")
            }
            // While its first line is another, it is another file; else the one that was read, and not as it was.
            guard FileHead.firstLine(of: checksum) == FileHead.firstLine(of: head.checksum(upTo: .max)) else {
                return .other
            }
            return .damaged("it begins as it did, but up to byte \(entry.next) it is not what was read last time")
        }
        // Set by hand. It can at least be looked at whether a line begins there.
        let before = try file.bytes(at: entry.next - 1, count: 1)
        guard before == [UInt8(ascii: "\n")] else {
            return .damaged("no line begins at byte \(entry.next), where its position in millrace.partitions is")
        }
        return .continues
    }

    /// The entries of files that are not here any more and whose first line `head` has; whether all of the beginning that they
    /// remember is there too, which says that it is the same file.
    ///
    /// To be asked about a file that continues none of them.
    func begun(as head: FileHead) -> [(entry: Int, isSure: Bool)] {
        var head = head
        let whole = head.checksum(upTo: .max)
        guard LastLine.hasContent(head.bytes.prefix { $0 != UInt8(ascii: "\n") }) else { return [] }
        return (byFirstLine[FileHead.firstLine(of: whole)] ?? [])
            .filter { entries[$0].file == nil && entries[$0].next > 0 }
            .map { ($0, entries[$0].next >= Int64(FileHead.bytesMax) && entries[$0].head == whole) }
    }

    /// What is wrong with a stored position whatever the file holds.
    private static func problem(_ entry: Entry) -> String? {
        guard entry.next >= 0 else { return "next_offset is \(entry.next), expected 0 or more" }
        guard let tail = entry.tail, entry.next > 0 else { return nil }
        guard tail.offset >= 0, tail.offset < entry.next else {
            return "tail_offset is \(tail.offset), expected 0 or more and less than next_offset, \(entry.next)"
        }
        let isOldStyle = entry.head == nil
        guard !isOldStyle || entry.next - tail.offset <= SourceLimits.oldLineBytesMax + 1 else {
            return "tail_offset is \(tail.offset) and next_offset \(entry.next), farther apart than any line is long"
        }
        return nil
    }
}
