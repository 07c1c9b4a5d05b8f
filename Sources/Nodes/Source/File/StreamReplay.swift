import Dataflow

/// What was read of a stream and is not committed yet, so that it can be read again after a rewind. A stretch that was
/// skipped, the rest of a line beyond the limit, is remembered by its length only.
///
/// ```
///   base                                  end
///    │ block │ block │ skipped │ block …   │      positions in the stream's unpacked bytes
///      ▲ committed up to here: blocks before are given back
/// ```
@safe final class StreamReplay {
    private static let blockBytes = 256 * 1024

    @safe private struct Piece {
        var start: Int64
        var length: Int
        /// nil: skipped.
        var block: UnsafeMutableRawPointer?
        var end: Int64 { start + Int64(length) }
    }

    /// What is at a position.
    enum Content: Equatable {
        /// So many bytes were copied.
        case bytes(Int)
        /// So many bytes were skipped.
        case skipped(Int)
    }

    private let memory: MemoryAccountant
    /// Bytes kept at most.
    let bytesMax: Int
    private var pieces: [Piece] = []
    private var blocks = 0
    /// The first position that can be read again.
    private(set) var base: Int64
    /// Where the stream is read on.
    private(set) var end: Int64

    /// Nothing is kept yet of a stream that is at `position`.
    /// - Parameter recordBytesMax: the longest line, of which two have room in any case: one that is not whole yet cannot
    ///   be committed.
    init(at position: Int64, memory: MemoryAccountant, recordBytesMax: Int) {
        self.memory = memory
        bytesMax = max(memory.budget / 8, 2 * recordBytesMax + 8 * Self.blockBytes)
        (base, end) = (position, position)
    }

    deinit {
        for piece in pieces { unsafe piece.block?.deallocate() }
        memory.draw(-blocks * Self.blockBytes, for: .batches)
    }

    /// Bytes held.
    var bytes: Int { blocks * Self.blockBytes }

    /// Whether nothing more can be kept before something is committed.
    var isFull: Bool { bytes >= bytesMax }

    /// Keeps what was read next.
    func append(_ fresh: UnsafeRawBufferPointer) {
        var rest = unsafe fresh
        while unsafe !rest.isEmpty {
            let last = pieces.last
            if unsafe last?.block == nil || last?.length == Self.blockBytes {
                unsafe pieces.append(
                    Piece(start: end, length: 0, block: .allocate(byteCount: Self.blockBytes, alignment: 64)))
                blocks += 1
                memory.draw(Self.blockBytes, for: .batches)
            }
            let index = pieces.count - 1
            let length = pieces[index].length
            let count = min(rest.count, Self.blockBytes - length)
            if let block = unsafe pieces[index].block, let source = rest.baseAddress {
                unsafe (block + length).copyMemory(from: source, byteCount: count)
            }
            pieces[index].length += count
            end += Int64(count)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Notes that the next `count` bytes were skipped.
    func skip(_ count: Int) {
        guard count > 0 else { return }
        if let last = pieces.indices.last, unsafe pieces[last].block == nil {
            pieces[last].length += count
        } else {
            unsafe pieces.append(Piece(start: end, length: count, block: nil))
        }
        end += Int64(count)
    }

    /// Gives back what lies in front of `position`, which is committed.
    func trim(to position: Int64) {
        while let first = pieces.first, first.end <= position {
            if let block = unsafe first.block {
                unsafe block.deallocate()
                blocks -= 1
                memory.draw(-Self.blockBytes, for: .batches)
            }
            pieces.removeFirst()
        }
        base = max(base, min(position, end))
    }

    /// Copies what is kept at `position`, in `base..<end`.
    func read(at position: Int64, into buffer: UnsafeMutableRawBufferPointer) -> Content {
        precondition(position >= base && position < end, "what was committed cannot be read again")
        var (low, high) = (0, pieces.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].end <= position { low = middle + 1 } else { high = middle }
        }
        let piece = pieces[low]
        let offset = Int(position - piece.start)
        let left = piece.length - offset
        guard let block = unsafe piece.block else { return .skipped(left) }
        let count = min(left, buffer.count)
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(start: block + offset, count: count))
        return .bytes(count)
    }
}
