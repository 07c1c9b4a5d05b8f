import Dataflow

/// The groups of a delta in the order in which rows are locked and written, the same in every process: grouping set by
/// grouping set as the plan has them, each in key order.
///
/// A group key's bytes, per field: 0 for null; 2 for a field outside the grouping set; else 1 and the value (text: its
/// bytes and a closing 0, which text never holds; numbers: 8 bytes, big endian, sign flipped; booleans: one byte). Byte
/// order is value order, and keys of different sets differ.
struct GroupOrder {
    /// A group of a delta.
    struct Entry: Hashable {
        /// The grouping set's position in the plan.
        var set: Int32
        /// The group's number in its set.
        var group: Int32
    }

    /// All groups in order.
    private(set) var entries: [Entry] = []
    private var bytes: [UInt8] = []
    /// Where each key begins, set by set, group by group.
    private var starts: [UInt32] = []
    /// For each set, the place of its first group in `starts`.
    private var first: [Int] = []

    /// Bytes held.
    var memoryBytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + starts.capacity * MemoryLayout<UInt32>.stride + bytes.capacity
    }

    init(_ delta: SummaryDelta) {
        starts.reserveCapacity(delta.groupCount + 1)
        for groups in delta.sets {
            first.append(starts.count)
            for group in 0..<groups.groupCount {
                starts.append(UInt32(bytes.count))
                Self.appendKey(of: group, in: groups, as: groups.set, to: &bytes)
            }
        }
        starts.append(UInt32(bytes.count))
        entries.reserveCapacity(delta.groupCount)
        for (set, groups) in delta.sets.enumerated() {
            entries += sorted(groups, set).map { Entry(set: Int32(set), group: $0) }
        }
    }

    /// The groups of one set in key order.
    private func sorted(_ groups: SetGroups, _ set: Int) -> [Int32] {
        let windows = (0..<groups.groupCount).map { groups.windowStart(ofGroup: $0) ?? 0 }
        let (bytes, starts, first) = (bytes, starts, first[set])
        return (0..<Int32(groups.groupCount)).sorted { left, right in
            if windows[Int(left)] != windows[Int(right)] { return windows[Int(left)] < windows[Int(right)] }
            let (left, right) = (first + Int(left), first + Int(right))
            return bytes[Int(starts[left])..<Int(starts[left + 1])].lexicographicallyPrecedes(
                bytes[Int(starts[right])..<Int(starts[right + 1])])
        }
    }

    /// The key's bytes of a group.
    func key(of entry: Entry) -> ArraySlice<UInt8> {
        let place = first[Int(entry.set)] + Int(entry.group)
        return bytes[Int(starts[place])..<Int(starts[place + 1])]
    }

    /// What a group is known by in every process.
    /// - Parameter set: the set of `groups`, or a coarser one, for the group there that `group` is a part of.
    static func identity(of group: Int, in groups: SetGroups, as set: GroupingSet) -> RefusedGroups.Group {
        var key: [UInt8] = []
        appendKey(of: group, in: groups, as: set, to: &key)
        return RefusedGroups.Group(windowStart: groups.windowStart(ofGroup: group), key: key)
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
