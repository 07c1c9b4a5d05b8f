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
        unsafe self.values = values
        unsafe self.valid = valid
    }
}

extension DimensionSnapshot {
    /// Looks up the keys of a batch.
    ///
    /// Keys are compared in full. The memory accesses of 32 keys overlap, since each step is taken for all of them before
    /// the next.
    /// - Parameters:
    ///   - keys: a column for each field of the table's key, in its order and of its type.
    ///   - rows: the rows of the batch to look up, `count` numbers; nil for all from 0.
    ///   - count: how many.
    ///   - moments: for a table whose rows are valid for a time: microseconds since 1970 for each row of the batch.
    ///   - handles: room for `count`, in the order of `rows`.
    public func find(
        _ keys: [KeyColumn], rows: UnsafePointer<UInt32>? = nil, count: Int, at moments: UnsafePointer<Int64>? = nil,
        into handles: UnsafeMutablePointer<RowHandle>
    ) {
        precondition(keys.count == schema.keys.count, "a column for each field of the key")
        precondition(unsafe (schema.validity == nil) == (moments == nil), "moments where rows are valid for a time")
        unsafe withViews { views in
            var block = KeyBlock()
            var first = 0
            while first < count {
                let end = min(count, first + LookupLimits.keysTogether)
                unsafe block.fill(keys, rows, first..<end)
                unsafe block.probe(views)
                for index in first..<end {
                    let row = unsafe rows.map { unsafe Int($0[index]) } ?? index
                    unsafe handles[index] = block.handle(index - first, views, at: moments?[row])
                }
                first = end
            }
        }
    }
}

/// The keys of a few rows on their way through a table.
@safe private struct KeyBlock {
    /// A key being looked up.
    @unsafe private struct Probe {
        var isNull = false
        var key = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        var hash: UInt64 = 0
        var shard = 0
        var first = 0
        var end = 0
    }

    private var probes = unsafe [Probe](repeating: Probe(), count: LookupLimits.keysTogether)
    private var count = 0
    /// The bytes of keys that are not in memory as they are compared.
    private var bytes: [UInt8] = []
    private var starts: [Int] = []

    /// Takes the keys of `range`, and hashes them.
    mutating func fill(_ columns: [KeyColumn], _ rows: UnsafePointer<UInt32>?, _ range: Range<Int>) {
        count = range.count
        for index in range {
            let row = unsafe rows.map { unsafe Int($0[index]) } ?? index
            let isNull = columns.contains { unsafe $0.valid.map { unsafe $0[row] == 0 } ?? false }
            unsafe probes[index - range.lowerBound].isNull = isNull
        }
        if columns.count == 1, unsafe lend(columns[0], rows, range) { return hash() }
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        for index in range {
            let row = unsafe rows.map { unsafe Int($0[index]) } ?? index
            starts.append(bytes.count)
            if unsafe probes[index - range.lowerBound].isNull { continue }
            for (position, column) in columns.enumerated() {
                append(column, row, isLast: position == columns.count - 1)
            }
        }
        starts.append(bytes.count)
        // Where the bytes lie is known once all are there.
        let isWhole = unsafe bytes.withUnsafeBytes { all in
            for index in 0..<count {
                unsafe probes[index].key = UnsafeRawBufferPointer(
                    rebasing: all[starts[index]..<starts[index + 1]])
            }
            return true
        }
        precondition(isWhole)
        hash()
    }

    /// Points at keys that are in memory as they are compared; false when they are not.
    private mutating func lend(
        _ column: KeyColumn, _ rows: UnsafePointer<UInt32>?, _ range: Range<Int>
    ) -> Bool {
        for index in range {
            let row = unsafe rows.map { unsafe Int($0[index]) } ?? index
            let key: UnsafeRawBufferPointer
            switch unsafe column.values {
            case .slices(let base, let slices):
                let offset = unsafe slices.loadUnaligned(fromByteOffset: row * 8, as: UInt32.self)
                let length = unsafe slices.loadUnaligned(fromByteOffset: row * 8 + 4, as: UInt32.self)
                unsafe key = UnsafeRawBufferPointer(start: base + Int(offset), count: Int(length))
            case .texts(let texts): unsafe key = texts[row]
            case .integers(let values): unsafe key = UnsafeRawBufferPointer(start: values + row, count: 8)
            case .booleans: return false
            }
            unsafe probes[index - range.lowerBound].key = key
        }
        return true
    }

    private mutating func append(_ column: KeyColumn, _ row: Int, isLast: Bool) {
        let text: UnsafeRawBufferPointer
        switch unsafe column.values {
        case .slices(let base, let slices):
            let offset = unsafe slices.loadUnaligned(fromByteOffset: row * 8, as: UInt32.self)
            let length = unsafe slices.loadUnaligned(fromByteOffset: row * 8 + 4, as: UInt32.self)
            unsafe text = UnsafeRawBufferPointer(start: base + Int(offset), count: Int(length))
        case .texts(let texts): unsafe text = texts[row]
        case .integers(let values):
            return unsafe withUnsafeBytes(of: values[row]) { unsafe bytes.append(contentsOf: $0) }
        case .booleans(let values):
            return unsafe withUnsafeBytes(of: Int64(values[row])) { unsafe bytes.append(contentsOf: $0) }
        }
        if !isLast {
            // A text too long for any key: its length is no key's, so nothing equals it.
            let length = min(text.count, LookupLimits.textBytesMax)
            bytes.append(UInt8(truncatingIfNeeded: length))
            bytes.append(UInt8(truncatingIfNeeded: length >> 8))
        }
        unsafe bytes.append(contentsOf: text)
    }

    private mutating func hash() {
        unsafe probes.withUnsafeMutableBufferPointer { probes in
            for index in 0..<count where unsafe !probes[index].isNull {
                let key = unsafe probes[index].key
                let hash = unsafe key.baseAddress.map { unsafe MurmurHash3.hash($0, count: key.count) } ?? 0
                unsafe probes[index].hash = hash
                unsafe probes[index].shard = Int(hash >> UInt64(64 - LookupLimits.shardBits))
            }
        }
    }

    /// Finds the bucket of each key, then the place in it where the key may be.
    mutating func probe(_ views: UnsafePointer<UnsafeMutablePointer<ShardView>>) {
        unsafe probes.withUnsafeMutableBufferPointer { probes in
            for index in 0..<count where unsafe !probes[index].isNull {
                let bucket = unsafe views[probes[index].shard].pointee.bucket(probes[index].hash)
                unsafe probes[index].first = bucket.first
                unsafe probes[index].end = bucket.end
            }
            for index in 0..<count where unsafe !probes[index].isNull {
                let tags = unsafe views[probes[index].shard].pointee.tags
                let tag = unsafe ShardView.tag(probes[index].hash)
                var place = unsafe probes[index].first
                let end = unsafe probes[index].end
                while unsafe place < end && tags[place] != tag { place += 1 }
                unsafe probes[index].first = place
            }
        }
    }

    /// The row of a key.
    func handle(
        _ index: Int, _ views: UnsafePointer<UnsafeMutablePointer<ShardView>>, at moment: Int64?
    ) -> RowHandle {
        let probe = unsafe probes[index]
        if unsafe probe.isNull { return .missing }
        let view = unsafe views[probe.shard]
        let tag = unsafe ShardView.tag(probe.hash)
        var place = unsafe probe.first
        while unsafe place < probe.end {
            if unsafe view.pointee.tags[place] == tag, unsafe Bytes.areEqual(view.pointee.key(place), probe.key) {
                guard let moment else { return unsafe RowHandle(shard: probe.shard, row: place) }
                guard let row = unsafe view.pointee.version(of: place, at: moment) else { return .missing }
                return unsafe RowHandle(shard: probe.shard, row: row)
            }
            place += 1
        }
        return .missing
    }
}
