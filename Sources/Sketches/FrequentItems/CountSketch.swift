/// The counters of a Count Sketch, and which of them a value has.
///
/// SQL has to find them too, without 64-bit products: the hash is two chains of 32-bit mixing steps, whose factors are
/// below 2^31.
enum CountSketch {
    /// Rows of counters.
    static let rows = 5
    /// Counters of a row: as many as eight bits tell apart.
    static let width = 256

    /// One counter in each row, with the sign that the value has there.
    struct Cells {
        private let words: (UInt32, UInt32)

        fileprivate init(_ first: UInt32, _ second: UInt32) { words = (first, second) }

        /// The nine bits of a row: eight for the counter, one for the sign.
        @inline(__always)
        private func bits(_ row: Int) -> UInt32 {
            row < 3 ? words.0 >> UInt32(9 * row) : words.1 >> UInt32(9 * (row - 3))
        }

        /// Where the counter of a row stands among those of all rows.
        @inline(__always)
        func index(_ row: Int) -> Int { row * CountSketch.width + Int(bits(row) & 255) }

        /// Whether the value is subtracted in a row.
        @inline(__always)
        func isNegative(_ row: Int) -> Bool { bits(row) & 256 != 0 }
    }

    /// The counters of a value.
    static func cells(of item: UnsafeRawBufferPointer) -> Cells {
        var (first, second): (UInt32, UInt32) = (0x243f_6a88, 0x85a3_08d3)
        // Big-endian words of four bytes, the last one filled up with zeros.
        var at = 0
        while at + 4 <= item.count {
            let word = unsafe UInt32(bigEndian: item.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            first = mix(first ^ word)
            second = mix(second ^ word)
            at += 4
        }
        if at < item.count {
            var word: UInt32 = 0
            for byte in at..<at + 4 { word = word << 8 | (byte < item.count ? unsafe UInt32(item[byte]) : 0) }
            first = mix(first ^ word)
            second = mix(second ^ word)
        }
        let length = UInt32(truncatingIfNeeded: item.count)
        return Cells(mix(first ^ length), mix(second ^ length))
    }

    /// Adds to the counters of a value.
    @inline(__always)
    static func add(_ count: Int64, at cells: Cells, to counters: inout [Int64]) {
        unsafe counters.withUnsafeMutableBufferPointer { counters in
            for row in 0..<rows { unsafe counters[cells.index(row)] += cells.isNegative(row) ? -count : count }
        }
    }

    /// What the rows say of a value: the middle one of five.
    static func read(_ cells: Cells, _ counters: [Int64]) -> Int64 {
        let (a, b, c, d, e) = (
            counter(0, cells, counters), counter(1, cells, counters), counter(2, cells, counters),
            counter(3, cells, counters), counter(4, cells, counters)
        )
        // Of four values, the middle one of all five is no least and no greatest.
        let low = max(min(a, b), min(c, d))
        let high = min(max(a, b), max(c, d))
        return max(min(low, high), min(max(low, high), e))
    }

    @inline(__always)
    private static func counter(_ row: Int, _ cells: Cells, _ counters: [Int64]) -> Int64 {
        cells.isNegative(row) ? -counters[cells.index(row)] : counters[cells.index(row)]
    }

    /// How large counters are that hold no frequent value: of each row the middle one, and of these the middle one again.
    static func noise(_ counters: [Int64]) -> Int64 {
        let middles = (0..<rows).map { row in
            counters[row * width..<(row + 1) * width].map(\.magnitude).sorted()[width / 2]
        }
        return Int64(middles.sorted()[rows / 2])
    }

    /// A mixing step with little bias, found by search (Wellons, "hash-prospector", 2018).
    @inline(__always)
    private static func mix(_ value: UInt32) -> UInt32 {
        var word = value
        word = (word ^ (word >> 15)) &* 0x2c1b_3c6d
        word = (word ^ (word >> 12)) &* 0x297a_2d39
        return word ^ (word >> 15)
    }
}
