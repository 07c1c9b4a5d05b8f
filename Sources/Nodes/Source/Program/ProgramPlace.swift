import Dataflow

/// Where a program's lines are read on, and what is remembered of those in front.
struct ProgramPlace: Equatable {
    /// The number of the next line.
    private(set) var next: Int64
    /// The last line: its number, its checksum, and as its timestamp the checksum of all lines up to it, each taken into that
    /// of the ones before; nil when these are not all known.
    private(set) var tail: Tail?
    /// The checksum of all lines so far.
    private var chain: Int64?

    init(next: Int64 = 0, tail: Tail? = nil) {
        self.next = next
        self.tail = tail
        chain = next == 0 ? 0 : tail?.timestamp
    }

    /// Takes in a line.
    mutating func pass(_ line: UnsafeRawBufferPointer) {
        let checksum = unsafe Self.checksum(line)
        if let before = chain {
            var bytes: [UInt8] = []
            for word in [before, checksum, Int64(line.count)] {
                unsafe withUnsafeBytes(of: word.littleEndian) { unsafe bytes.append(contentsOf: $0) }
            }
            chain = Checksum.of(bytes)
        }
        tail = Tail(offset: next, timestamp: chain, checksum: checksum)
        next += 1
    }

    /// Whether the lines so far, of which this place knows what it has passed, are those that `other` has passed.
    func agrees(with other: ProgramPlace) -> Bool {
        guard next == other.next else { return false }
        guard let mine = tail, let theirs = other.tail else { return true }
        return mine.checksum == theirs.checksum
            && (mine.timestamp == nil || theirs.timestamp == nil || mine.timestamp == theirs.timestamp)
    }

    /// Whether a line is the last one that was read.
    func ends(with line: UnsafeRawBufferPointer) -> Bool {
        guard let tail else { return true }
        return unsafe Self.checksum(line) == tail.checksum
    }

    private static func checksum(_ line: UnsafeRawBufferPointer) -> Int64 {
        unsafe Checksum.of(UnsafeRawBufferPointer(rebasing: line.prefix(SourceLimits.tailBytesMax)))
    }
}
