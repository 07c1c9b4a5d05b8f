/// Where the bytes of the entry before stand: entries ascend.
struct ItemOrder {
    fileprivate var last: Range<Int>?
}

/// Reads stored sketches of frequent values; refuses everything that `encode(into:)` does not write.
@safe struct FrequentItemsReader: StoredFieldReader, ~Copyable {
    static let subject = "frequent values"

    /// The layouts.
    enum Form: UInt8 {
        case exact = 1
        case estimated = 2
    }

    let bytes: UnsafeRawBufferPointer
    var position = 0

    /// - Parameter bytes: borrowed; must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

    /// The layout, and what the values are.
    mutating func header() throws(SketchError) -> (form: Form, kind: ItemKind) {
        if let other = unsafe SketchKind(bytes), other != .top { throw other.error(reading: .top) }
        let first = try byte()
        guard first >> 4 == FrequentItems.version else {
            throw SketchError(
                .unsupportedFormat,
                "frequent values: unknown version, found \(first >> 4), expected \(FrequentItems.version)")
        }
        guard let form = Form(rawValue: first & 15) else {
            throw malformed("unknown layout, found \(first & 15), expected 1 or 2")
        }
        let code = try byte()
        guard let kind = ItemKind(code: code) else { throw malformed("unknown kind of values, found \(code)") }
        return (form, kind)
    }

    /// How many entries follow.
    mutating func entryCount() throws(SketchError) -> Int {
        let number = try varint()
        guard number <= UInt64(FrequentItems.capacity) else {
            throw malformed("too many values, found \(number), expected at most \(FrequentItems.capacity)")
        }
        return Int(number)
    }

    /// The bytes of a value; valid as long as those of the sketch.
    mutating func item(_ kind: ItemKind, _ order: inout ItemOrder) throws(SketchError) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard unsafe length <= UInt64(bytes.count - position) else { throw truncated() }
        let range = position..<position + Int(length)
        position = range.upperBound
        let item = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
        guard unsafe Self.isCanonical(item, kind) else { throw malformed("value is no \(kind.name)") }
        if let last = order.last {
            let before = unsafe UnsafeRawBufferPointer(rebasing: bytes[last])
            guard unsafe before.lexicographicallyPrecedes(item) else { throw malformed("values out of order") }
        }
        order.last = range
        return unsafe item
    }

    /// How often something is there, at least once.
    mutating func count() throws(SketchError) -> Int64 {
        let count = try varint()
        guard count > 0, count <= UInt64(FrequentItems.totalMax) else {
            throw malformed("count out of range, expected 1 to \(FrequentItems.totalMax)")
        }
        return Int64(count)
    }

    /// A level that is stored as its distance from another.
    mutating func level(from floor: Int) throws(SketchError) -> Int {
        let distance = try varint()
        guard distance <= UInt64(SampleLevel.most - floor) else {
            throw malformed("level out of range, expected at most \(SampleLevel.most)")
        }
        return floor + Int(distance)
    }

    /// All counters of a sketch of so many values: in each row, they are the values with a sign each.
    mutating func counters(total: Int64) throws(SketchError) -> [Int64] {
        var counters: [Int64] = []
        counters.reserveCapacity(CountSketch.rows * CountSketch.width)
        for _ in 0..<CountSketch.rows {
            var sum: UInt64 = 0
            for _ in 0..<CountSketch.width {
                let counter = try zigzag()
                guard counter.magnitude <= UInt64(total) else {
                    throw malformed("counter out of range, expected at most \(total) of either sign")
                }
                sum += counter.magnitude
                counters.append(counter)
            }
            guard sum <= UInt64(total), (UInt64(total) - sum) & 1 == 0 else {
                throw malformed("counters contradict the number of values")
            }
        }
        return counters
    }

    /// Makes sure that nothing follows.
    func end() throws(SketchError) {
        guard unsafe position == bytes.count else {
            throw unsafe malformed("too long, found \(bytes.count) bytes, expected \(position)")
        }
    }

    private static func isCanonical(_ item: UnsafeRawBufferPointer, _ kind: ItemKind) -> Bool {
        switch kind {
        case .text:
            if unsafe item.allSatisfy({ 1..<0x80 ~= $0 }) { return true }
            return unsafe !item.contains(0) && String(validating: item, as: UTF8.self) != nil
        case .boolean: return unsafe item.count == 1 && item[0] <= 1
        case .integer, .decimal:
            guard (1...8).contains(item.count) else { return false }
            guard item.count > 1 else { return true }
            // A first byte that only repeats the sign of the next one is not needed.
            return unsafe item[0] != (item[1] < 0x80 ? 0 : 0xff)
        }
    }
}
