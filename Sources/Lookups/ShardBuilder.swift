import Sketches

/// Makes a shard of sorted rows: first every array's size, then one block, then the contents.
struct ShardBuilder: ~Copyable {
    private let schema: DimensionSchema
    /// Per cell: whether its texts go into the dictionary.
    private let isInterned: [Bool]
    private let name: String
    private let gauge: MemoryGauge
    private var index: TextIndex

    init(
        _ schema: DimensionSchema, isInterned: [Bool], name: String, _ index: consuming TextIndex, _ gauge: MemoryGauge
    ) {
        self.schema = schema
        self.isInterned = isInterned
        self.name = name
        self.index = index
        self.gauge = gauge
    }

    /// Sizes of a shard's arrays.
    private struct Sizes {
        /// Keys with their tags and ends.
        var blockBytes = 0
        var layout = KeyLayout()
        var hasNulls: [Bool]
        var textBytes: [Int]
    }

    /// - Throws: when there is no room for texts or keys.
    mutating func build(_ rows: borrowing ShardRows, digest: UInt128) throws(LookupError) -> Shard {
        let sizes = try measure(rows)
        var layout = BlockLayout()
        let count = rows.order.count
        let columns = unsafe layout.add(MemoryLayout<ShardColumn>.stride * schema.cells.count, 8)
        let isTimed = schema.validity != nil
        let froms = layout.add(isTimed ? count * 8 : 0, 8)
        let tos = layout.add(isTimed ? count * 8 : 0, 8)
        let words = schema.cells.map { layout.add($0.type == .text || $0.type == .boolean ? 0 : count * 8, 8) }
        let heads = layout.add((rows.buckets + 1) * MemoryLayout<BucketHead>.stride, 4)
        let versions = layout.add(isTimed ? (rows.keys + 1) * 4 : 0, 4)
        let codes = schema.cells.map { layout.add($0.type == .text ? (count + 1) * 4 : 0, 4) }
        let blocks = unsafe layout.add(sizes.blockBytes + Bucket.readAhead, 1)
        let booleans = schema.cells.map { layout.add($0.type == .boolean ? count : 0, 1) }
        let nulls = sizes.hasNulls.map { layout.add($0 ? (count + 7) / 8 : 0, 1) }
        let texts = sizes.textBytes.map { layout.add($0, 1) }

        let block = AccountedBlock(byteCount: layout.byteCount, gauge)
        let base = unsafe block.base
        var view = unsafe ShardView(
            keys: rows.keys, buckets: rows.buckets, heads: (base + heads).assumingMemoryBound(to: BucketHead.self),
            blocks: base + blocks, layout: sizes.layout, versionStarts: nil, froms: nil, tos: nil,
            columns: (base + columns).assumingMemoryBound(to: ShardColumn.self))
        if isTimed {
            unsafe view.versionStarts = (base + versions).assumingMemoryBound(to: UInt32.self)
            unsafe view.froms = (base + froms).assumingMemoryBound(to: Int64.self)
            unsafe view.tos = (base + tos).assumingMemoryBound(to: Int64.self)
        }
        for (cell, field) in schema.cells.enumerated() {
            let kind = kind(of: cell)
            let values = field.type == .text ? codes[cell] : field.type == .boolean ? booleans[cell] : words[cell]
            unsafe (view.columns + cell).initialize(
                to: ShardColumn(
                    kind: kind, values: base + values, bytes: base + texts[cell],
                    nulls: sizes.hasNulls[cell] ? (base + nulls[cell]).assumingMemoryBound(to: UInt8.self) : nil,
                    dictionary: kind == .codes ? Unmanaged.passUnretained(index.dictionary) : nil))
            if sizes.hasNulls[cell] {
                unsafe (base + nulls[cell]).initializeMemory(as: UInt8.self, repeating: 0, count: (count + 7) / 8)
            }
        }
        unsafe fillKeys(view, rows)
        unsafe try fillRows(view, rows)
        return unsafe Shard(view, rows: count, digest: digest, block, index.dictionary)
    }

    private func kind(of cell: Int) -> ShardColumn.Kind {
        switch schema.cells[cell].type {
        case .text: isInterned[cell] ? .codes : .texts
        case .boolean: .booleans
        default: .words
        }
    }

    private func measure(_ rows: borrowing ShardRows) throws(LookupError) -> Sizes {
        var sizes = Sizes(
            hasNulls: schema.cells.map { _ in false }, textBytes: schema.cells.map { _ in 0 })
        sizes.layout = rows.keyLayout
        for key in 0..<rows.keys { sizes.blockBytes += sizes.layout.overhead + rows.keyLength(key) }
        for index in rows.order.indices {
            var cell = unsafe rows.row(index).cells
            for (column, field) in schema.cells.enumerated() {
                let value = unsafe Self.next(&cell, field.type)
                if unsafe value == nil { sizes.hasNulls[column] = true }
                guard field.type == .text, !isInterned[column], let text = unsafe value else { continue }
                sizes.textBytes[column] += text.count
            }
        }
        let most = max(sizes.blockBytes, sizes.textBytes.max() ?? 0)
        guard most <= LookupLimits.shardBytesMax, rows.order.count <= LookupLimits.shardRowsMax else {
            throw LookupError(.tooLarge, "\(name): more rows than a dimension holds; take fewer with a query")
        }
        return sizes
    }

    /// The bytes of a cell, nil for null; moves on to the next.
    @inline(__always)
    private static func next(_ cell: inout UnsafeRawPointer, _ type: DimensionType) -> UnsafeRawBufferPointer? {
        let isPresent = unsafe cell.load(as: UInt8.self) == 1
        unsafe cell += 1
        guard isPresent else { return nil }
        var length = 8
        if type == .text {
            length = unsafe Int(cell.loadUnaligned(as: UInt16.self))
            unsafe cell += 2
        }
        defer { unsafe cell += length }
        return unsafe UnsafeRawBufferPointer(start: cell, count: length)
    }

    private func fillKeys(_ view: ShardView, _ rows: borrowing ShardRows) {
        var end = 0
        for bucket in 0..<rows.buckets {
            let keys = Int(rows.bucketStarts[bucket])..<Int(rows.bucketStarts[bucket + 1])
            unsafe view.heads[bucket] = BucketHead(first: UInt32(keys.lowerBound), offset: UInt32(end))
            let tags = unsafe view.blocks + end
            let ends = unsafe tags + keys.count
            end += unsafe view.layout.overhead * keys.count
            let start = end
            for (place, key) in keys.enumerated() {
                let row = rows.row(Int(rows.keyStarts[key]))
                unsafe tags.storeBytes(of: Bucket.tag(row.hash), toByteOffset: place, as: UInt8.self)
                unsafe (view.blocks + end).copyMemory(from: row.key.baseAddress!, byteCount: row.keyLength)
                end += row.keyLength
                switch unsafe view.layout.endBytes {
                case 2: unsafe ends.storeBytes(of: UInt16(end - start), toByteOffset: place * 2, as: UInt16.self)
                case 4: unsafe ends.storeBytes(of: UInt32(end - start), toByteOffset: place * 4, as: UInt32.self)
                default: break
                }
                if let versions = unsafe view.versionStarts { unsafe versions[key] = rows.keyStarts[key] }
            }
        }
        unsafe view.heads[rows.buckets] = BucketHead(first: UInt32(rows.keys), offset: UInt32(end))
        if let versions = unsafe view.versionStarts { unsafe versions[rows.keys] = UInt32(rows.order.count) }
    }

    private mutating func fillRows(_ view: ShardView, _ rows: borrowing ShardRows) throws(LookupError) {
        var textEnds = schema.cells.map { _ in 0 }
        for number in rows.order.indices {
            let row = rows.row(number)
            if let froms = unsafe view.froms, let tos = unsafe view.tos {
                unsafe froms[number] = row.from
                unsafe tos[number] = row.to
            }
            var cell = unsafe row.cells
            for (column, field) in schema.cells.enumerated() {
                let value = unsafe Self.next(&cell, field.type)
                let target = unsafe view.columns[column]
                if unsafe value == nil, let nulls = unsafe target.nulls {
                    unsafe nulls[number >> 3] |= 1 << UInt8(number & 7)
                }
                switch unsafe target.kind {
                case .words:
                    let word = unsafe value?.loadUnaligned(as: Int64.self) ?? 0
                    unsafe target.values.storeBytes(of: word, toByteOffset: number * 8, as: Int64.self)
                case .booleans:
                    let byte: UInt8 = unsafe value?.loadUnaligned(as: Int64.self) == 1 ? 1 : 0
                    unsafe target.values.storeBytes(of: byte, toByteOffset: number, as: UInt8.self)
                case .codes:
                    var code: UInt32 = 0
                    if let text = unsafe value { unsafe code = try index.code(of: text) }
                    unsafe target.values.storeBytes(of: code, toByteOffset: number * 4, as: UInt32.self)
                case .texts:
                    let start = textEnds[column]
                    unsafe target.values.storeBytes(of: UInt32(start), toByteOffset: number * 4, as: UInt32.self)
                    if let text = unsafe value, let source = text.baseAddress {
                        unsafe (target.bytes! + start).copyMemory(from: source, byteCount: text.count)
                        textEnds[column] += text.count
                    }
                    unsafe target.values.storeBytes(
                        of: UInt32(textEnds[column]), toByteOffset: number * 4 + 4, as: UInt32.self)
                }
            }
        }
    }
}

/// Places arrays in one block.
private struct BlockLayout {
    private(set) var byteCount = 0

    /// Where an array of `size` bytes begins.
    mutating func add(_ size: Int, _ alignment: Int) -> Int {
        let start = (byteCount + alignment - 1) / alignment * alignment
        byteCount = start + size
        return start
    }
}
