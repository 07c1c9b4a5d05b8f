import Sketches

/// One field of the keys of a batch.
@safe public struct KeyColumn {
    /// How the values lie in memory.
    @unsafe public enum Values {
        /// Slices of a buffer: pairs of `UInt32`, byte offset from `base` and byte length.
        case slices(base: UnsafeRawPointer, UnsafeRawPointer)
        /// Texts wherever they are.
        case texts(UnsafePointer<UnsafeRawBufferPointer>)
        /// Integers, decimals' digits, or timestamps.
        case integers(UnsafePointer<Int64>)
        /// Booleans, a byte each, 0 or 1.
        case booleans(UnsafePointer<UInt8>)
    }

    let values: Values
    let valid: UnsafePointer<UInt8>?

    /// A column whose memory outlives the call that it is given to.
    /// - Parameters:
    ///   - values: one per row of the batch.
    ///   - valid: a byte per row, 0 for null; nil when none is.
    public init(_ values: Values, valid: UnsafePointer<UInt8>? = nil) {
        unsafe self.values = unsafe values
        unsafe self.valid = unsafe valid
    }
}

extension DimensionSnapshot {
    /// Looks up the keys of a batch.
    ///
    /// Keys are compared in full. The memory accesses of 32 keys overlap, since each step is taken for all of them before
    /// the next.
    /// - Parameters:
    ///   - keys: a column for each field of the table's key, in its order and of its type.
    ///   - hashes: the MurmurHash3 of each row of the batch, where there is one key and somebody has it already.
    ///   - rows: the rows of the batch to look up, `count` numbers; nil for all from 0.
    ///   - count: how many.
    ///   - moments: for a table whose rows are valid for a time: microseconds since 1970 for each row of the batch.
    ///   - handles: room for `count`, in the order of `rows`.
    public func find(
        _ keys: [KeyColumn], hashes: UnsafePointer<UInt64>? = nil, rows: UnsafePointer<UInt32>? = nil, count: Int,
        at moments: UnsafePointer<Int64>? = nil, into handles: UnsafeMutablePointer<RowHandle>
    ) {
        precondition(keys.count == schema.keys.count, "a column for each field of the key")
        precondition(unsafe (schema.validity == nil) == (moments == nil), "moments where rows are valid for a time")
        unsafe withViews { views in
            unsafe withUnsafeTemporaryAllocation(of: Probe.self, capacity: LookupLimits.keysTogether) { probes in
                let probes = probes.baseAddress!
                unsafe probes.initialize(repeating: Probe(), count: LookupLimits.keysTogether)
                var writer = KeyWriter()
                var first = 0
                while first < count {
                    let end = min(count, first + LookupLimits.keysTogether)
                    unsafe writer.fill(probes, keys, rows, first, end)
                    let probed = end &- first
                    // All buckets are asked for before the first is searched.
                    if let hashes = unsafe hashes, keys.count == 1 {
                        for index in 0..<probed {
                            unsafe probes[index].findBucket(hashes[row(rows, first &+ index)], views)
                        }
                    } else {
                        for index in 0..<probed where unsafe probes[index].length >= 0 {
                            let hash = unsafe MurmurHash3.hash(probes[index].key, count: probes[index].length)
                            unsafe probes[index].findBucket(hash, views)
                        }
                    }
                    if let moments = unsafe moments {
                        for index in 0..<probed {
                            unsafe handles[first &+ index] = probes[index].find(
                                views, at: moments[row(rows, first &+ index)])
                        }
                    } else {
                        for index in 0..<probed { unsafe handles[first &+ index] = probes[index].find(views) }
                    }
                    first = end
                }
            }
        }
    }
}

/// The row of a batch at a place among those that are looked up.
@inline(__always)
func row(_ rows: UnsafePointer<UInt32>?, _ index: Int) -> Int {
    if let rows = unsafe rows { return unsafe Int(rows[index]) }
    return index
}

/// A key being looked up.
@unsafe private struct Probe {
    var key = unsafe UnsafeRawPointer(bitPattern: 1)!
    /// Bytes of the key; negative where a field of it is null.
    var length = 0
    var hash: UInt64 = 0
    /// The keys among which it may be.
    var bucket = unsafe Bucket(base: UnsafeRawPointer(bitPattern: 1)!, first: 0, count: 0)

    @inline(__always)
    private var shard: Int { unsafe Int(truncatingIfNeeded: hash &>> UInt64(64 &- LookupLimits.shardBits)) }

    @inline(__always)
    mutating func findBucket(_ hash: UInt64, _ views: UnsafePointer<UnsafeMutablePointer<ShardView>>) {
        unsafe self.hash = hash
        unsafe bucket = views[shard].pointee.bucket(hash)
    }

    /// The row of the key.
    @inline(__always)
    func find(_ views: UnsafePointer<UnsafeMutablePointer<ShardView>>) -> RowHandle {
        guard let place = unsafe place(views) else { return .missing }
        return unsafe RowHandle(shard: shard, row: Int(bucket.first) &+ place)
    }

    /// The row of the key that holds at a moment.
    @inline(__always)
    func find(_ views: UnsafePointer<UnsafeMutablePointer<ShardView>>, at moment: Int64) -> RowHandle {
        guard let place = unsafe place(views),
            let row = unsafe views[shard].pointee.version(of: Int(bucket.first) &+ place, at: moment)
        else { return .missing }
        return unsafe RowHandle(shard: shard, row: row)
    }

    /// The place of the key in its bucket.
    @inline(__always)
    private func place(_ views: UnsafePointer<UnsafeMutablePointer<ShardView>>) -> Int? {
        guard unsafe length >= 0 else { return nil }
        let layout = unsafe views[shard].pointee.layout
        let place = unsafe bucket.place(of: Bucket.tag(hash))
        guard unsafe place < Int(bucket.count) else { return unsafe search(from: place, layout) }
        let found = unsafe bucket.key(place, layout)
        if unsafe Bytes.areEqual(found, UnsafeRawBufferPointer(start: key, count: length)) { return place }
        return unsafe search(from: place &+ 1, layout)
    }

    /// The place of the key when it is not where the search without a loop ended: behind another key with the same bits of
    /// its hash, or behind the first eight.
    @inline(never)
    private func search(from start: Int, _ layout: KeyLayout) -> Int? {
        let wanted = unsafe UnsafeRawBufferPointer(start: key, count: length)
        var place = start
        while true {
            unsafe place = bucket.place(of: Bucket.tag(hash), from: place)
            guard unsafe place < Int(bucket.count) else { return nil }
            if unsafe Bytes.areEqual(bucket.key(place, layout), wanted) { return place }
            place += 1
        }
    }
}

/// Points probes at keys: where they are if they are in memory as they are compared, else in a buffer of its own.
@safe private struct KeyWriter: ~Copyable {
    private var bytes = UnsafeMutableRawPointer.allocate(byteCount: 1_024, alignment: 1)
    private var capacity = 1_024
    private var count = 0
    private var starts: [Int] = []

    deinit { unsafe bytes.deallocate() }

    mutating func fill(
        _ probes: UnsafeMutablePointer<Probe>, _ columns: [KeyColumn], _ rows: UnsafePointer<UInt32>?, _ first: Int,
        _ end: Int
    ) {
        if columns.count == 1 {
            switch unsafe columns[0].values {
            case .slices(let base, let slices):
                for index in first..<end {
                    let pair = unsafe slices + row(rows, index) &* 8
                    let offset = unsafe Int(pair.loadUnaligned(as: UInt32.self))
                    unsafe probes[index &- first].key = base + offset
                    unsafe probes[index &- first].length = Int(pair.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                }
            case .texts(let texts):
                for index in first..<end {
                    let text = unsafe texts[row(rows, index)]
                    // An empty text may have no address.
                    unsafe probes[index - first].key = text.baseAddress ?? UnsafeRawPointer(probes)
                    unsafe probes[index - first].length = text.count
                }
            case .integers(let values):
                for index in first..<end {
                    unsafe probes[index - first].key = UnsafeRawPointer(values + row(rows, index))
                    unsafe probes[index - first].length = 8
                }
            case .booleans: unsafe write(probes, columns, rows, first, end)
            }
        } else {
            unsafe write(probes, columns, rows, first, end)
        }
        for column in columns {
            guard let valid = unsafe column.valid else { continue }
            for index in first..<end where unsafe valid[row(rows, index)] == 0 {
                unsafe probes[index - first].length = -1
            }
        }
    }

    /// Writes keys as they are compared.
    private mutating func write(
        _ probes: UnsafeMutablePointer<Probe>, _ columns: [KeyColumn], _ rows: UnsafePointer<UInt32>?, _ first: Int,
        _ end: Int
    ) {
        count = 0
        starts.removeAll(keepingCapacity: true)
        for index in first..<end {
            starts.append(count)
            let row = unsafe row(rows, index)
            // What is null has no value to be written.
            if columns.contains(where: { unsafe $0.valid.map { unsafe $0[row] == 0 } ?? false }) { continue }
            for (position, column) in columns.enumerated() {
                append(column, row, isLast: position == columns.count - 1)
            }
        }
        starts.append(count)
        // Where the bytes lie is known once all are there; until the next block, nothing is added.
        for index in 0..<end - first {
            unsafe probes[index].key = UnsafeRawPointer(bytes) + starts[index]
            unsafe probes[index].length = starts[index + 1] - starts[index]
        }
    }

    private mutating func append(_ column: KeyColumn, _ row: Int, isLast: Bool) {
        let text: UnsafeRawBufferPointer
        switch unsafe column.values {
        case .slices(let base, let slices):
            let offset = unsafe slices.loadUnaligned(fromByteOffset: row * 8, as: UInt32.self)
            let length = unsafe slices.loadUnaligned(fromByteOffset: row * 8 + 4, as: UInt32.self)
            unsafe text = UnsafeRawBufferPointer(start: base + Int(offset), count: Int(length))
        case .texts(let texts): unsafe text = unsafe texts[row]
        case .integers(let values):
            return unsafe append(UnsafeRawBufferPointer(start: values + row, count: 8))
        case .booleans(let values):
            var value = unsafe Int64(values[row])
            return unsafe withUnsafeBytes(of: &value) { unsafe append($0) }
        }
        if !isLast {
            // A text too long for any key: its length is no key's, so nothing equals it.
            var length = UInt16(min(text.count, LookupLimits.textBytesMax)).littleEndian
            unsafe withUnsafeBytes(of: &length) { unsafe append($0) }
        }
        unsafe append(text)
    }

    private mutating func append(_ part: UnsafeRawBufferPointer) {
        if count + part.count > capacity {
            let larger = 2 * (count + part.count)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 1)
            unsafe moved.copyMemory(from: bytes, byteCount: count)
            unsafe bytes.deallocate()
            unsafe bytes = moved
            capacity = larger
        }
        if let start = part.baseAddress { unsafe (bytes + count).copyMemory(from: start, byteCount: part.count) }
        count += part.count
    }
}
