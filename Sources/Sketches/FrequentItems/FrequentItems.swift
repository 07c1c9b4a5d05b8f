#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The most frequent values of a multiset, as a pure function of the multiset of (place in the log, value).
///
/// As long as there are at most 1,024 distinct values, each is kept with its exact count. Beyond, two parts take over,
/// neither of which depends on the order in which values come, nor on how they were divided and merged:
///
/// * **Candidates**: a bottom-k sample of the distinct values (Cohen and Kaplan, "Summarizing data using bottom-k
///   sketches", 2007). Each record has a level (`SampleLevel`), a hash of its place in the log; a value has the highest
///   level of its records; the values above a floor are kept, the lowest floor that leaves at most 1,024 of them. A
///   value is therefore the more likely to be a candidate the more records it has. Ties at the floor are left out
///   together, which is what makes it a function of the set.
/// * **Counts**: a Count Sketch (Charikar, Chen and Farach-Colton, "Finding frequent items in data streams", 2002) of 5
///   rows of 256 counters, which is linear. How counts are read from it is in `FrequentItems+Top.swift`.
///
/// Decision 12 has the measurements.
public struct FrequentItems: Sendable {
    /// A candidate, or a value with its count.
    struct Entry: BitwiseCopyable {
        /// Where its bytes begin in `bytes`.
        var start: Int
        /// How many bytes it has.
        var length: Int
        /// The highest level of its records.
        var level: Int
        /// How often it is there; 0 once counts are estimated.
        var count: Int64
    }

    /// The most distinct values that are counted exactly, and the most candidates.
    static let capacity = 1_024
    /// The most values counted: counts are read by sums and differences that then stay within 64 bits.
    static let totalMax: Int64 = 1 << 50
    /// So many entries are taken in before they are sorted and sifted.
    private static let pendingMax = 4 * capacity

    /// What the values are.
    public let kind: ItemKind
    /// How many values were counted.
    public private(set) var total: Int64 = 0
    /// The least level of a candidate; 0 as long as counts are exact.
    private(set) var floor = 0
    /// Of all rows, one after the other; empty as long as counts are exact.
    private(set) var counters: [Int64] = []
    /// Sorted by their bytes, each once, as far as `settledCount`.
    private(set) var entries: [Entry] = []
    private(set) var bytes: [UInt8] = []
    private var settledCount = 0
    private var spareEntries: [Entry] = []
    private var spareBytes: [UInt8] = []

    /// No values yet.
    public init(kind: ItemKind) { self.kind = kind }

    /// Whether counts are estimates.
    public var isEstimated: Bool { !counters.isEmpty }

    /// Forgets all values and keeps the memory.
    public mutating func reset() {
        total = 0
        floor = 0
        counters.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        settledCount = 0
    }

    /// Adds records of one value.
    /// - Parameters:
    ///   - item: the value's bytes (`ItemKind`).
    ///   - level: the highest level of the records.
    /// - Throws: `outOfRange` when the total leaves its range; nothing was added.
    public mutating func add(_ item: UnsafeRawBufferPointer, count: Int64, level: Int) throws(SketchError) {
        try grow(by: count)
        unsafe insert(item, count: count, level: level)
    }

    /// Makes sure that so many more values can be counted, and counts them.
    mutating func grow(by count: Int64) throws(SketchError) {
        let (sum, overflow) = total.addingReportingOverflow(count)
        guard !overflow, sum <= Self.totalMax else {
            throw SketchError(
                .outOfRange,
                "frequent values: the count leaves its range, found \(total) and \(count) more, expected at most "
                    + "\(Self.totalMax)")
        }
        total = sum
    }

    /// Takes in a value whose records are in the total already, or, with a count of 0, in the counters.
    mutating func insert(_ item: UnsafeRawBufferPointer, count: Int64, level: Int) {
        if isEstimated {
            if count > 0 { CountSketch.add(count, at: unsafe CountSketch.cells(of: item), to: &counters) }
            guard level >= floor else { return }
        }
        entries.append(
            Entry(start: bytes.count, length: item.count, level: level, count: isEstimated ? 0 : count))
        unsafe bytes.append(contentsOf: item)
        if entries.count - settledCount >= Self.pendingMax { settle() }
    }

    /// Takes over the counters of a sketch that is estimated.
    mutating func absorb(counters other: [Int64], floor otherFloor: Int) {
        if !isEstimated { estimate() }
        for index in counters.indices { counters[index] += other[index] }
        floor = max(floor, otherFloor)
    }
}

// MARK: - Sifting

extension FrequentItems {
    /// Brings the entries into order, each value once, and no more than there may be.
    mutating func settle() {
        if entries.count != settledCount { sort() }
        if !isEstimated, entries.count > Self.capacity { estimate() }
        if isEstimated { sift() }
        settledCount = entries.count
    }

    private mutating func sort() {
        unsafe bytes.withUnsafeBytes { bytes in
            entries.sort { unsafe Self.precedes($0, $1, bytes) }
        }
        spareEntries.removeAll(keepingCapacity: true)
        unsafe bytes.withUnsafeBytes { bytes in
            for entry in entries {
                if let last = spareEntries.last, unsafe !Self.precedes(last, entry, bytes) {
                    spareEntries[spareEntries.count - 1].count += entry.count
                    spareEntries[spareEntries.count - 1].level = max(last.level, entry.level)
                } else {
                    spareEntries.append(entry)
                }
            }
        }
        swap(&entries, &spareEntries)
    }

    private static func precedes(_ left: Entry, _ right: Entry, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return left.length < right.length }
        let common = min(left.length, right.length)
        let order = unsafe memcmp(base + left.start, base + right.start, common)
        return order != 0 ? order < 0 : left.length < right.length
    }

    /// Goes over to estimates: what was counted goes into the counters.
    private mutating func estimate() {
        counters.removeAll(keepingCapacity: true)
        counters.append(contentsOf: repeatElement(0, count: CountSketch.rows * CountSketch.width))
        for index in entries.indices {
            let entry = entries[index]
            CountSketch.add(entry.count, at: cells(of: entry), to: &counters)
            entries[index].count = 0
        }
    }

    /// The counters of an entry.
    func cells(of entry: Entry) -> CountSketch.Cells {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe CountSketch.cells(
                of: UnsafeRawBufferPointer(rebasing: bytes[entry.start..<entry.start + entry.length]))
        }
    }

    /// Raises the floor until there are no more candidates than there may be, and drops those below it.
    private mutating func sift() {
        if entries.count(where: { $0.level >= floor }) > Self.capacity {
            var perLevel = [Int](repeating: 0, count: SampleLevel.most + 1)
            for entry in entries { perLevel[entry.level] += 1 }
            var kept = 0
            var level = SampleLevel.most
            while level >= floor, kept + perLevel[level] <= Self.capacity {
                kept += perLevel[level]
                level -= 1
            }
            floor = level + 1
        }
        // Bytes that no entry needs any more go too.
        spareBytes.removeAll(keepingCapacity: true)
        entries.removeAll { $0.level < floor }
        for index in entries.indices {
            let entry = entries[index]
            entries[index].start = spareBytes.count
            spareBytes.append(contentsOf: bytes[entry.start..<entry.start + entry.length])
        }
        swap(&bytes, &spareBytes)
    }
}
