/// Picks an index in proportion to integer weights with one random number and one comparison.
///
/// Walker's alias method in Vose's construction (M. D. Vose, "A linear algorithm for generating random numbers with a
/// given distribution", 1991), with integers throughout, so that the table is the same on every machine. A probability
/// is off by less than 2^-32.
struct AliasTable: Sendable {
    private struct Column {
        /// The column keeps its own index while the random number is below this.
        var threshold: UInt32
        var alias: UInt32
    }

    private let columns: [Column]
    private let mask: UInt64

    /// - Parameter weights: 1 to 65,536 of them, not all 0, each below 2^44.
    init(weights: [UInt64]) {
        precondition(!weights.isEmpty && weights.count <= 1 << 16, "an alias table takes 1 to 65,536 weights")
        precondition(weights.allSatisfy { $0 < 1 << 44 }, "an alias table takes weights below 2^44")
        let total = weights.reduce(0, +)
        precondition(total > 0, "an alias table needs a weight above 0")
        // A power of two, so that a column is picked by a mask; the added columns weigh nothing.
        var count = 1
        while count < weights.count { count *= 2 }

        // In units of total/count every column holds `total`; what is missing in one is taken from a fuller one.
        var filled = weights.map { $0 * UInt64(count) } + Array(repeating: 0, count: count - weights.count)
        var columns = (0..<count).map { Column(threshold: .max, alias: UInt32($0)) }
        var short = filled.indices.filter { filled[$0] < total }
        var full = filled.indices.filter { filled[$0] >= total }
        while let index = short.popLast(), let donor = full.popLast() {
            let threshold = (UInt128(filled[index]) << 32) / UInt128(total)
            columns[index] = Column(threshold: UInt32(threshold), alias: UInt32(donor))
            filled[donor] -= total - filled[index]
            if filled[donor] < total { short.append(donor) } else { full.append(donor) }
        }
        self.columns = columns
        mask = UInt64(count - 1)
    }

    /// The index that `bits`, 64 random ones, stand for.
    @inline(__always)
    func pick(_ bits: UInt64) -> Int {
        let index = bits & mask
        let column = columns[Int(truncatingIfNeeded: index)]
        return UInt32(truncatingIfNeeded: bits >> 32) < column.threshold
            ? Int(truncatingIfNeeded: index) : Int(column.alias)
    }
}

/// Fixed texts, some likelier than others.
struct WeightedTexts: Sendable {
    private let texts: [StaticString]
    private let table: AliasTable

    /// - Parameter weights: each text with its weight.
    init(_ weights: KeyValuePairs<StaticString, UInt64>) {
        texts = weights.map(\.key)
        table = AliasTable(weights: weights.map(\.value))
    }

    /// The text that `bits`, 64 random ones, stand for.
    @inline(__always)
    func pick(_ bits: UInt64) -> StaticString {
        texts[table.pick(bits)]
    }
}
