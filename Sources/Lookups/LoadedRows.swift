import Sketches

/// Everything that a source has, encoded, and what is to be known of it before shards are built.
struct LoadedRows: ~Copyable {
    var spill: SpillFile
    /// Sum of the rows' digests, by shard.
    private(set) var digests: [UInt128]
    private(set) var rows = 0
    private(set) var rowsIgnored = 0
    /// Of each cell, its distinct texts.
    private var distinct: [HyperLogLog?]
    private var encoder: RowEncoder
    private let schema: DimensionSchema

    init(_ schema: DimensionSchema, name: String, spillDirectory: String, _ gauge: MemoryGauge) {
        self.schema = schema
        spill = SpillFile(directory: spillDirectory, name: name, gauge)
        digests = Array(repeating: 0, count: LookupLimits.shards)
        distinct = schema.cells.map { $0.type == .text ? HyperLogLog(parameters: .standard) : nil }
        encoder = RowEncoder(schema, name: name)
    }

    /// Takes a row.
    /// - Throws: when it is none of a table's, or cannot be put down.
    mutating func add(_ row: borrowing DimensionRow) throws(LookupError) {
        let isNeverValid = schema.validity != nil && row.isNeverValid
        guard try encoder.encode(row), !isNeverValid else {
            rowsIgnored += 1
            return
        }
        let shard = Int(encoder.keyHash >> UInt64(64 - LookupLimits.shardBits))
        try spill.append(encoder.bytes, to: shard)
        digests[shard] &+= encoder.digest
        rows += 1
        for cell in schema.cells.indices where distinct[cell] != nil {
            guard let hash = row.textHash(schema.keys.count + cell) else { continue }
            distinct[cell]!.insert(hash)
        }
    }

    /// Of all rows and the fields.
    var digest: String {
        var fields = schema.signature
        let salt = fields.withUTF8 { unsafe MurmurHash3.hash(UnsafeRawBufferPointer($0)) }
        let sum = digests.reduce(UInt128(salt), &+)
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    /// Of each cell, whether its texts repeat so that they are better kept once, in the dictionary: what takes less memory.
    var areRepeating: [Bool] { distinct.map { $0 != nil && 2 * ($0?.estimate() ?? 0) <= Double(rows) } }

    /// About how many texts the dictionary will have.
    var distinctTexts: Int {
        zip(distinct, areRepeating).reduce(0) { $0 + ($1.1 ? Int($1.0?.estimate() ?? 0) : 0) }
    }
}

extension DimensionRow {
    /// Whether it ends when it begins: the last two fields are from and to.
    fileprivate var isNeverValid: Bool {
        let from = slots[slots.count - 2]
        let to = slots[slots.count - 1]
        return from.isPresent && to.isPresent && from.bits == to.bits
    }

    /// The hash of a text; nil for null.
    fileprivate func textHash(_ field: Int) -> UInt64? {
        guard slots[field].isPresent else { return nil }
        let start = Int(slots[field].bits)
        let length = slots[field].length
        return unsafe texts.withUnsafeBytes { all in
            unsafe MurmurHash3.hash(UnsafeRawBufferPointer(rebasing: all[start..<start + length]))
        }
    }
}
