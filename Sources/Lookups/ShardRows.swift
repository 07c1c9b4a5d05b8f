import Glibc
import Sketches

/// The rows of a shard as they came out of the spill file, in the order in which the shard holds them.
@safe struct ShardRows: ~Copyable {
    private let block: AccountedBlock
    /// Where the rows begin, sorted by bucket, key, and from.
    private(set) var order: [UInt32] = []
    /// The first key of each bucket, and the number of keys.
    private(set) var bucketStarts: [UInt32] = []
    /// The first row of each key, and the number of rows.
    private(set) var keyStarts: [UInt32] = []
    let buckets: Int

    /// Sorts `count` rows.
    /// - Throws: when a key has two rows, or two that hold at one time.
    init(
        _ block: consuming AccountedBlock, count: Int, _ schema: DimensionSchema, name: String
    ) throws(LookupError) {
        self.block = block
        buckets = max(1, count / LookupLimits.bucketRows)
        sort(count)
        try divide(schema, name)
    }

    var keys: Int { keyStarts.count - 1 }

    /// Bytes of a key.
    func keyLength(_ key: Int) -> Int { row(Int(keyStarts[key])).keyLength }

    /// How the keys can lie in their blocks, in the fewest bytes.
    var keyLayout: KeyLayout {
        guard keys > 0 else { return KeyLayout() }
        let width = keyLength(0)
        if width > 0, (0..<keys).allSatisfy({ keyLength($0) == width }) { return KeyLayout(width: width, endBytes: 0) }
        let fits = (0..<buckets).allSatisfy { bucket in
            (bucketStarts[bucket]..<bucketStarts[bucket + 1]).reduce(0) { $0 + keyLength(Int($1)) } <= Int(UInt16.max)
        }
        return KeyLayout(width: 0, endBytes: fits ? 2 : 4)
    }

    /// A row as it was encoded.
    func row(_ index: Int) -> EncodedRow { unsafe EncodedRow(base: UnsafeRawPointer(block.base) + Int(order[index])) }

    private func bucket(_ row: EncodedRow) -> Int { Int(((row.hash & 0xffff_ffff) * UInt64(buckets)) >> 32) }

    private mutating func sort(_ count: Int) {
        var starts = [Int](repeating: 0, count: buckets + 1)
        var arrivals: [UInt32] = []
        arrivals.reserveCapacity(count)
        var offset = 0
        for _ in 0..<count {
            let row = unsafe EncodedRow(base: UnsafeRawPointer(block.base) + offset)
            arrivals.append(UInt32(offset))
            starts[bucket(row) + 1] += 1
            offset += row.byteCount
        }
        for bucket in 0..<buckets { starts[bucket + 1] += starts[bucket] }
        var next = starts
        order = Array(repeating: 0, count: count)
        for arrival in arrivals {
            let place = unsafe bucket(EncodedRow(base: UnsafeRawPointer(block.base) + Int(arrival)))
            order[next[place]] = arrival
            next[place] += 1
        }
        let base = unsafe UnsafeRawPointer(block.base)
        for bucket in 0..<buckets where starts[bucket + 1] - starts[bucket] > 1 {
            order[starts[bucket]..<starts[bucket + 1]].sort {
                unsafe EncodedRow(base: base + Int($0)).precedes(EncodedRow(base: base + Int($1)))
            }
        }
    }

    /// Finds where keys and buckets begin.
    private mutating func divide(_ schema: DimensionSchema, _ name: String) throws(LookupError) {
        bucketStarts = Array(repeating: 0, count: buckets + 1)
        keyStarts.reserveCapacity(order.count + 1)
        for index in order.indices {
            let row = row(index)
            if index > 0 {
                let last = self.row(index - 1)
                if last.hasKey(of: row) {
                    try Self.check(last, row, schema, name)
                    continue
                }
            }
            keyStarts.append(UInt32(index))
            bucketStarts[bucket(row) + 1] += 1
        }
        keyStarts.append(UInt32(order.count))
        for bucket in 0..<buckets { bucketStarts[bucket + 1] += bucketStarts[bucket] }
    }

    /// Two rows of one key, of which the first begins no later.
    private static func check(
        _ first: EncodedRow, _ second: EncodedRow, _ schema: DimensionSchema, _ name: String
    ) throws(LookupError) {
        let key = unsafe schema.shown(key: first.key)
        let columns = schema.keys.map(\.name).joined(separator: ", ")
        guard schema.validity != nil else {
            throw LookupError(
                .duplicateKey,
                "\(name): two rows have the key \(key) (\(columns)), expected one row per key; take one of them with a "
                    + "query (DISTINCT ON), or say which holds when with as_of, valid_from and valid_to")
        }
        guard first.to > second.from else { return }
        throw LookupError(
            .validity,
            "\(name): two rows of the key \(key) (\(columns)) hold at one time, found "
                + "\(Validity.text(first.from, first.to)) and \(Validity.text(second.from, second.to)); a row holds "
                + "from its first moment until the moment before its last, and null is without end")
    }
}

/// A row as bytes; see ``RowEncoding``.
@safe struct EncodedRow {
    let base: UnsafeRawPointer

    var byteCount: Int { unsafe Int(base.loadUnaligned(as: UInt32.self)) + 4 }
    var hash: UInt64 { unsafe base.loadUnaligned(fromByteOffset: RowEncoding.hashOffset, as: UInt64.self) }
    var from: Int64 { unsafe base.loadUnaligned(fromByteOffset: RowEncoding.fromOffset, as: Int64.self) }
    var to: Int64 { unsafe base.loadUnaligned(fromByteOffset: RowEncoding.toOffset, as: Int64.self) }
    var keyLength: Int { unsafe Int(base.loadUnaligned(fromByteOffset: RowEncoding.keyLengthOffset, as: UInt32.self)) }

    var key: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base + RowEncoding.keyOffset, count: keyLength)
    }

    /// Where the cells begin.
    var cells: UnsafeRawPointer { unsafe base + RowEncoding.keyOffset + keyLength }

    func hasKey(of other: EncodedRow) -> Bool {
        unsafe hash == other.hash && Bytes.areEqual(key, other.key)
    }

    /// The order within a bucket: a total one up to equal rows, so a shard does not depend on the order of arrival.
    func precedes(_ other: EncodedRow) -> Bool {
        if keyLength != other.keyLength { return keyLength < other.keyLength }
        let order = unsafe memcmp(key.baseAddress!, other.key.baseAddress!, keyLength)
        if order != 0 { return order < 0 }
        return from != other.from ? from < other.from : to < other.to
    }
}
