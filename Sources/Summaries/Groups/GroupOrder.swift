import Dataflow

/// The groups of a delta in the order in which rows are locked and written, the same in every process: window by window
/// and grouping set by grouping set as the plan has them, each in key order.
///
/// A group key's bytes, per field: 0 for null; 2 for a field outside the grouping set; else 1 and the value (text: its
/// bytes and a closing 0, which text never holds; numbers: 8 bytes, big endian, sign flipped; booleans: one byte). Byte
/// order is value order, and keys of different sets differ.
package struct GroupOrder {
    /// Bytes of a key's field that is no text, at the most.
    package static let numberBytes = 9
    /// Bytes before and behind the text of a field.
    package static let textBytesAround = 2

    /// A group of a delta, and where its key's bytes lie.
    package struct Entry: Hashable {
        /// The grouping set's position in the plan.
        package var set: Int32
        /// The group's number in its set.
        package var group: Int32
        fileprivate var start: UInt32
        fileprivate var length: UInt32
    }

    /// What a group is sorted by: its window and the first 16 bytes of its key as numbers; where these are equal, the
    /// rest of the key.
    private struct Item {
        var window: UInt64
        var high: UInt64
        var low: UInt64
        var entry: Entry
    }

    /// The groups in order.
    package private(set) var entries: [Entry] = []
    /// How many groups were to be ordered; more than `entries` has when a limit was given.
    package private(set) var count = 0
    private var bytes: [UInt8] = []

    /// - Parameters:
    ///   - window: the position of the window whose groups they are; nil for those of all windows.
    ///   - limit: how many groups at the most are in `entries`: the first ones.
    ///   - isWanted: which groups take part, by set and group number; nil for all.
    /// - Complexity: O(n log n); with a limit of k, O(n) for the most part and O(k) memory.
    package init(
        _ delta: SummaryDelta, window: Int? = nil, limit: Int = .max, where isWanted: ((Int, Int) -> Bool)? = nil
    ) {
        if limit == .max, window == nil { entries.reserveCapacity(delta.groupCount) }
        for (set, groups) in delta.sets.enumerated() where window == nil || groups.window == window {
            collect(groups, set, limit: limit - entries.count, isWanted)
        }
    }

    /// Bytes held.
    package var memoryBytes: Int { entries.capacity * MemoryLayout<Entry>.stride + bytes.capacity }

    /// Appends the first groups of one set in key order.
    private mutating func collect(
        _ groups: SetGroups, _ set: Int, limit: Int, _ isWanted: ((Int, Int) -> Bool)?
    ) {
        var items: [Item] = []
        if limit == .max { items.reserveCapacity(groups.groupCount) }
        var last: Item?
        for group in 0..<groups.groupCount where isWanted?(set, group) ?? true {
            count += 1
            guard limit > 0 else { continue }
            let item = appendItem(group, groups, set)
            if let last, !precedes(item, last) {
                bytes.removeLast(Int(item.entry.length))
                continue
            }
            items.append(item)
            // Twice as many as are wanted, then the better half of them: most of the others never get in.
            if limit < .max / 2, items.count >= 2 * limit {
                sort(&items)
                items.removeLast(items.count - limit)
                last = items.last
            }
        }
        sort(&items)
        entries += items.prefix(limit).map(\.entry)
    }

    private mutating func appendItem(_ group: Int, _ groups: SetGroups, _ set: Int) -> Item {
        let start = bytes.count
        precondition(start < Int(UInt32.max), "the keys of one epoch exceed 4 GiB")
        Self.appendKey(of: group, in: groups, as: groups.set, to: &bytes)
        let length = bytes.count - start
        let window = groups.windowStart(ofGroup: group) ?? 0
        return Item(
            window: UInt64(bitPattern: window) ^ (1 << 63), high: word(at: start, length),
            low: word(at: start + 8, length - 8),
            entry: Entry(set: Int32(set), group: Int32(group), start: UInt32(start), length: UInt32(length)))
    }

    /// Up to eight bytes, zero-padded: no key is the beginning of another one, so padding decides nothing.
    private func word(at start: Int, _ length: Int) -> UInt64 {
        var word: UInt64 = 0
        for offset in 0..<max(0, min(8, length)) { word |= UInt64(bytes[start + offset]) << UInt64(56 - 8 * offset) }
        return word
    }

    private func sort(_ items: inout [Item]) { items.sort { precedes($0, $1) } }

    @inline(__always)
    private func precedes(_ left: Item, _ right: Item) -> Bool {
        if left.window != right.window { return left.window < right.window }
        if left.high != right.high { return left.high < right.high }
        if left.low != right.low { return left.low < right.low }
        return key(of: left.entry).dropFirst(16).lexicographicallyPrecedes(key(of: right.entry).dropFirst(16))
    }

    /// The key's bytes of a group.
    package func key(of entry: Entry) -> ArraySlice<UInt8> { bytes[Int(entry.start)..<Int(entry.start + entry.length)] }

    /// What a group is known by in every process.
    /// - Parameter set: the set of `groups`, or a coarser one, for the group there that `group` is a part of.
    package static func identity(of group: Int, in groups: SetGroups, as set: GroupingSet) -> RefusedGroups.Group {
        var key: [UInt8] = []
        appendKey(of: group, in: groups, as: set, to: &key)
        return RefusedGroups.Group(
            window: groups.window, windowStart: groups.windowStart(ofGroup: group), key: key)
    }

    private static func appendKey(
        of group: Int, in groups: SetGroups, as set: GroupingSet, to bytes: inout [UInt8]
    ) {
        for (index, key) in groups.plan.keys.enumerated() {
            if set.keys.contains(index) {
                append(key, index, groups, group, to: &bytes)
            } else {
                bytes.append(2)
            }
        }
    }

    private static func append(
        _ key: SummaryPlan.Key, _ index: Int, _ groups: SetGroups, _ group: Int, to bytes: inout [UInt8]
    ) {
        if key.type == .text {
            guard let text = unsafe groups.keyText(index, ofGroup: group) else { return bytes.append(0) }
            bytes.append(1)
            unsafe bytes.append(contentsOf: text)
            bytes.append(0)
            return
        }
        guard let value = groups.keyInteger(index, ofGroup: group) else { return bytes.append(0) }
        bytes.append(1)
        if key.type == .boolean { return bytes.append(UInt8(value)) }
        let flipped = UInt64(bitPattern: value) ^ (1 << 63)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: flipped >> shift)) }
    }
}
