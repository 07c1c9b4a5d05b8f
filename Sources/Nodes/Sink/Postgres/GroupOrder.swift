import Dataflow

/// The groups of a delta in key order, with the bytes of their keys: the order in which rows are locked and written,
/// the same in every process.
///
/// A group key's bytes, per `by` field: 0 for null; else 1 and the value (text: its bytes and a closing 0, which text
/// never holds; numbers: 8 bytes, big endian, sign flipped; booleans: one byte). Byte order is value order.
struct GroupOrder {
    /// Group numbers in key order.
    private(set) var groups: [Int32]
    private var bytes: [UInt8] = []
    private var starts: [UInt32] = []

    init(_ delta: SummaryDelta) {
        let count = delta.groupCount
        starts.reserveCapacity(count + 1)
        for group in 0..<count {
            starts.append(UInt32(bytes.count))
            Self.appendKey(of: group, in: delta, to: &bytes)
        }
        starts.append(UInt32(bytes.count))
        groups = Array(0..<Int32(count))
        let windows = (0..<count).map { delta.windowStart(ofGroup: $0) ?? 0 }
        let (bytes, starts) = (bytes, starts)
        groups.sort { left, right in
            let (left, right) = (Int(left), Int(right))
            if windows[left] != windows[right] { return windows[left] < windows[right] }
            return bytes[Int(starts[left])..<Int(starts[left + 1])].lexicographicallyPrecedes(
                bytes[Int(starts[right])..<Int(starts[right + 1])])
        }
    }

    /// Takes out the groups that the database refuses; no record of theirs is in the delta.
    mutating func remove(_ refused: RefusedGroups, of delta: SummaryDelta) {
        groups.removeAll { refused.reason(for: Self.identity(of: Int($0), in: delta)) != nil }
    }

    /// The key's bytes of a group.
    func key(of group: Int) -> ArraySlice<UInt8> { bytes[Int(starts[group])..<Int(starts[group + 1])] }

    /// What a group is known by in every process.
    static func identity(of group: Int, in delta: SummaryDelta) -> RefusedGroups.Group {
        var key: [UInt8] = []
        appendKey(of: group, in: delta, to: &key)
        return RefusedGroups.Group(windowStart: delta.windowStart(ofGroup: group), key: key)
    }

    private static func appendKey(of group: Int, in delta: SummaryDelta, to bytes: inout [UInt8]) {
        for (index, key) in delta.plan.keys.enumerated() { append(key, index, delta, group, to: &bytes) }
    }

    private static func append(
        _ key: SummaryPlan.Key, _ index: Int, _ delta: SummaryDelta, _ group: Int, to bytes: inout [UInt8]
    ) {
        if key.type == .text {
            guard let text = unsafe delta.keyText(index, ofGroup: group) else { return bytes.append(0) }
            bytes.append(1)
            unsafe bytes.append(contentsOf: text)
            bytes.append(0)
            return
        }
        guard let value = delta.keyInteger(index, ofGroup: group) else { return bytes.append(0) }
        bytes.append(1)
        if key.type == .boolean { return bytes.append(UInt8(value)) }
        let flipped = UInt64(bitPattern: value) ^ (1 << 63)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: flipped >> shift)) }
    }
}
