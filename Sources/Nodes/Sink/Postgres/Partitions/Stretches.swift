/// Stretches of time that do not overlap, in order.
struct Stretches: Sendable, Equatable {
    private(set) var all: [Range<Int64>]

    /// - Parameter all: none of them overlaps another one.
    init(_ all: [Range<Int64>]) {
        self.all = all.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Whether all of a stretch lies in them.
    /// - Complexity: O(log n), and what it overlaps.
    func covers(_ stretch: Range<Int64>) -> Bool { gaps(in: stretch).isEmpty }

    /// What of a stretch lies in none of them, in order.
    func gaps(in stretch: Range<Int64>) -> [Range<Int64>] {
        var gaps: [Range<Int64>] = []
        var start = stretch.lowerBound
        for taken in all[index(after: start)...] {
            if taken.lowerBound >= stretch.upperBound { break }
            if taken.lowerBound > start { gaps.append(start..<taken.lowerBound) }
            start = taken.upperBound
        }
        if start < stretch.upperBound { gaps.append(start..<stretch.upperBound) }
        return gaps
    }

    /// A gap, as far as it reaches on both sides inside of bounds.
    /// - Parameter gap: none of them overlaps it.
    func gap(around gap: Range<Int64>, within bounds: Range<Int64>) -> Range<Int64> {
        let next = index(after: gap.lowerBound)
        let from = next > 0 ? max(bounds.lowerBound, all[next - 1].upperBound) : bounds.lowerBound
        let to = next < all.count ? min(bounds.upperBound, all[next].lowerBound) : bounds.upperBound
        return min(from, gap.lowerBound)..<max(to, gap.upperBound)
    }

    /// Adds one that overlaps none of them.
    mutating func insert(_ stretch: Range<Int64>) {
        guard !stretch.isEmpty else { return }
        all.insert(stretch, at: index(after: stretch.lowerBound))
    }

    /// The first that ends after a moment.
    private func index(after moment: Int64) -> Int {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].upperBound > moment { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
