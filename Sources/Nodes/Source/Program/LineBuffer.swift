import Dataflow

/// Bytes that come in pieces, cut into lines. Of a line beyond a limit only the beginning is kept.
struct LineBuffer {
    /// What came and is not taken yet, behind what is.
    var bytes: [UInt8] = []
    private let lineBytesMax: Int
    /// Where the next line begins, and up to where there is no newline in it.
    private var start = 0
    private var scanned = 0

    /// - Parameter lineBytesMax: the longest line that is a record; one byte more is kept of a longer one, so that it is refused.
    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// The next whole line, without its newline; nil when there is none yet.
    mutating func next() -> Range<Int>? {
        let from = scanned
        let found = unsafe bytes.withUnsafeBytes {
            unsafe ByteSearch.firstNewline(in: UnsafeRawBufferPointer(rebasing: $0[from...]))
        }
        guard let found else {
            scanned = bytes.count
            cut()
            return nil
        }
        let line = start..<min(from + found, start + lineBytesMax + 1)
        start = from + found + 1
        scanned = start
        return line
    }

    /// What stands behind the last newline, when nothing follows.
    mutating func rest() -> Range<Int>? {
        guard start < bytes.count else { return nil }
        defer { (start, scanned) = (bytes.count, bytes.count) }
        return start..<min(bytes.count, start + lineBytesMax + 1)
    }

    /// Forgets what was taken, and what is beyond the limit.
    private mutating func cut() {
        bytes.removeFirst(start)
        (start, scanned) = (0, bytes.count)
        let kept = lineBytesMax + 1
        if bytes.count > kept {
            bytes.removeLast(bytes.count - kept)
            scanned = kept
        }
    }
}
