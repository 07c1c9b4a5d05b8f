/// The memory of one evaluator: equal-sized columns and row lists, and byte buffers, used again from call to call.
///
/// After the first batches nothing is allocated. What is taken must be given back before `prepare` is called again.
struct ScratchPool: ~Copyable {
    /// Room for 8 bytes and a validity byte per row.
    @safe struct Scratch {
        let values: UnsafeMutableRawPointer
        let valid: UnsafeMutablePointer<UInt8>
    }

    /// A buffer for texts that functions make.
    @safe struct Bytes {
        let start: UnsafeMutableRawPointer
        let capacity: Int
    }

    /// A list of row numbers.
    @safe struct RowList {
        let start: UnsafeMutablePointer<UInt32>
    }

    private var columns: [Scratch] = []
    private var lists: [RowList] = []
    private var buffers: [Bytes] = []
    private var capacity = 0
    private var taken = 0
    /// Bytes allocated.
    private(set) var bytesAllocated = 0

    /// Makes all columns and lists hold `rows` rows.
    mutating func prepare(rows: Int) {
        precondition(taken == 0, "Scratch memory of an expression was not given back.")
        guard rows > capacity else { return }
        releaseAll()
        capacity = max(256, 1 << (Int.bitWidth - (rows - 1).leadingZeroBitCount))
    }

    mutating func takeColumn() -> Scratch {
        taken += 1
        if let column = columns.popLast() { return column }
        bytesAllocated += capacity * 9
        return unsafe Scratch(
            values: .allocate(byteCount: capacity * 8, alignment: 16), valid: .allocate(capacity: capacity))
    }

    mutating func give(_ column: Scratch) {
        taken -= 1
        columns.append(column)
    }

    mutating func takeRows() -> RowList {
        taken += 1
        if let list = lists.popLast() { return list }
        bytesAllocated += capacity * 4
        return unsafe RowList(start: .allocate(capacity: capacity))
    }

    mutating func give(_ list: RowList) {
        taken -= 1
        lists.append(list)
    }

    /// A buffer of at least `count` bytes.
    mutating func takeBytes(_ count: Int) -> Bytes {
        taken += 1
        if let index = buffers.lastIndex(where: { $0.capacity >= count }) { return buffers.remove(at: index) }
        if let last = buffers.popLast() {
            bytesAllocated -= last.capacity
            unsafe last.start.deallocate()
        }
        let capacity = max(4096, count + count / 2)
        bytesAllocated += capacity
        return unsafe Bytes(start: .allocate(byteCount: capacity, alignment: 16), capacity: capacity)
    }

    mutating func give(_ buffer: Bytes) {
        taken -= 1
        buffers.append(buffer)
    }

    /// Takes back the buffer of a writer, which may have grown.
    mutating func give(_ writer: TextWriter) {
        give(grown(writer))
    }

    /// The buffer of a writer, which is still to be given back.
    mutating func grown(_ writer: TextWriter) -> Bytes {
        bytesAllocated += writer.growth
        return writer.buffer
    }

    private mutating func releaseAll() {
        for column in columns {
            unsafe column.values.deallocate()
            unsafe column.valid.deallocate()
        }
        for list in lists { unsafe list.start.deallocate() }
        for buffer in buffers { unsafe buffer.start.deallocate() }
        columns.removeAll()
        lists.removeAll()
        buffers.removeAll()
        bytesAllocated = 0
    }

    deinit {
        for column in columns {
            unsafe column.values.deallocate()
            unsafe column.valid.deallocate()
        }
        for list in lists { unsafe list.start.deallocate() }
        for buffer in buffers { unsafe buffer.start.deallocate() }
    }
}
