/// Reading the most frequent values.
extension FrequentItems {
    /// A value and how often it is there.
    public struct Item: Sendable {
        /// The value's bytes.
        public var bytes: [UInt8]
        /// How often it is there, exactly if `error` is 0.
        public var count: Int64
        /// The true count is this far from `count` at most: for about 199 of 200 values that are shown.
        public var error: Int64
    }

    /// How often what is known to be frequent is taken out of the counters before they are read for good.
    private static let rounds = 2
    /// Four times the noise: what is above it is frequent, and counts are that far off at most.
    private static let noisesMost: Int64 = 4

    /// The most frequent values, the most frequent first; of equally frequent ones the smaller first, by bytes as texts
    /// and as numbers otherwise.
    ///
    /// Estimates are read in rounds: a value that stands out from the noise is taken out of the counters, so that those
    /// that share counters with it are seen more clearly. That makes the error of a skewed multiset a half to a third.
    /// - Complexity: O(k log k) for k values, at most 1,024.
    public mutating func top(_ number: Int) -> [Item] {
        settle()
        guard !entries.isEmpty else { return [] }
        let (counts, error) = isEstimated ? estimates() : (entries.map(\.count), 0)
        let values = kind.isText ? [] : entries.map { ItemKind.number($0, in: bytes) }
        // Entries are in the order of texts.
        let order = entries.indices.sorted { left, right in
            if counts[left] != counts[right] { return counts[left] > counts[right] }
            return kind.isText ? left < right : values[left] < values[right]
        }
        return order.prefix(number).map { index in
            let entry = entries[index]
            return Item(
                bytes: Array(bytes[entry.start..<entry.start + entry.length]), count: counts[index], error: error)
        }
    }

    private func estimates() -> (counts: [Int64], error: Int64) {
        let cells = entries.map { self.cells(of: $0) }
        var rest = counters
        var known = [Int64](repeating: 0, count: cells.count)
        for _ in 0..<Self.rounds {
            let limit = Self.noisesMost * CountSketch.noise(rest)
            let found = cells.indices.map { index in
                let count = known[index] + CountSketch.read(cells[index], rest)
                return count > limit ? count : 0
            }
            for index in cells.indices where found[index] != known[index] {
                CountSketch.add(known[index] - found[index], at: cells[index], to: &rest)
            }
            known = found
        }
        let counts = cells.indices.map { index in
            min(max(known[index] + CountSketch.read(cells[index], rest), 1), total)
        }
        return (counts, max(1, Self.noisesMost * CountSketch.noise(rest)))
    }
}
