/// The three layouts, in the low nibble of the first byte; the high nibble is the version of the format.
enum QuantileForm: UInt8 {
    case empty = 1
    case exact = 2
    case buckets = 3

    static let version: UInt8 = 2
}

extension ExponentialHistogram {
    /// Appends the stored form: canonical, so equal multisets give equal bytes. docs/formats/quantiles.md has it byte
    /// by byte.
    ///
    /// ```
    ///  EMPTY    21 kind
    ///  EXACT    22 kind  integers: first value, then the steps up; doubles: 8 bytes each
    ///  BUCKETS  23 kind halvings count min max sum #negative then, ascending: zero, negative and positive buckets
    /// ```
    ///
    /// - Complexity: O(buckets); 1 to 2 bytes each as a rule.
    public func encode(into bytes: inout [UInt8]) {
        let form: QuantileForm = count == 0 ? .empty : isExact ? .exact : .buckets
        bytes.append(QuantileForm.version << 4 | form.rawValue)
        bytes.append(kind.code)
        switch form {
        case .empty: break
        case .exact: encodeExact(into: &bytes)
        case .buckets: encodeBuckets(into: &bytes)
        }
    }

    private func encodeExact(into bytes: inout [UInt8]) {
        if kind == .double {
            for raw in exact { bytes.appendBigEndian(DoubleRule.double(raw).bitPattern) }
            return
        }
        bytes.appendVarint(zigzag: exact[0])
        for (lower, upper) in zip(exact, exact.dropFirst()) { bytes.appendVarint(UInt64(bitPattern: upper &- lower)) }
    }

    private func encodeBuckets(into bytes: inout [UInt8]) {
        bytes.append(UInt8(halvings))
        bytes.appendVarint(UInt64(count))
        if kind == .double {
            bytes.appendBigEndian(DoubleRule.double(low).bitPattern)
            bytes.appendBigEndian(DoubleRule.double(high).bitPattern)
        } else {
            bytes.appendVarint(zigzag: low)
            bytes.appendVarint(UInt64(bitPattern: high &- low))
        }
        bytes.appendVarint(zigzag: total)
        unsafe buckets.read { buckets in
            let negatives = unsafe buckets.firstIndex { $0.key >= 0 } ?? buckets.count
            let hasZero = unsafe negatives < buckets.count && buckets[negatives].key == QuantileKey.zero
            bytes.appendVarint(unsafe hasZero ? buckets[negatives].count : 0)
            bytes.appendVarint(UInt64(negatives))
            unsafe Self.encode(UnsafeBufferPointer(rebasing: buckets[..<negatives]), into: &bytes)
            unsafe Self.encode(
                UnsafeBufferPointer(rebasing: buckets[(negatives + (hasZero ? 1 : 0))...]), into: &bytes)
        }
    }

    /// The most bytes of a bucket: two numbers of 64 bits.
    private static let bucketBytesMax = 20

    /// The buckets of one sign: the first index, then per bucket its count and, flagged, the gap before it. Written
    /// beside the array and appended at once, not byte by byte with a check of the array at each.
    private static func encode(_ run: UnsafeBufferPointer<Bucket>, into bytes: inout [UInt8]) {
        guard let first = unsafe run.first else { return }
        bytes.appendVarint(zigzag: Int64(abs(first.key) - QuantileKey.bias))
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: run.count * bucketBytesMax) { room in
            guard let target = room.baseAddress else { return }
            var written = 0
            var expected = first.key
            for position in 0..<run.count {
                let bucket = unsafe run[position]
                let gap = bucket.key - expected
                unsafe put((bucket.count - 1) << 1 | (gap > 0 ? 1 : 0), target, &written)
                if gap > 0 { unsafe put(UInt64(gap - 1), target, &written) }
                expected = bucket.key + 1
            }
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: target, count: written))
        }
    }

    /// Writes a number as `appendVarint` does.
    @inline(__always)
    private static func put(_ value: UInt64, _ target: UnsafeMutablePointer<UInt8>, _ written: inout Int) {
        var rest = value
        while rest >= 0x80 {
            unsafe target[written] = UInt8(truncatingIfNeeded: rest) | 0x80
            written += 1
            rest >>= 7
        }
        unsafe target[written] = UInt8(truncatingIfNeeded: rest)
        written += 1
    }
}

extension QuantileValueKind {
    /// The second byte: 3 bits kind, 5 bits decimal places of the sum.
    var code: UInt8 {
        switch self {
        case .integer: 0 << 5
        case .decimal(let scale): 1 << 5 | UInt8(scale)
        case .double: 2 << 5 | 9
        }
    }

    init?(code: UInt8) {
        switch (code >> 5, code & 31) {
        case (0, 0): self = .integer
        case (1, let scale) where scale <= 18: self = .decimal(scale: Int(scale))
        case (2, 9): self = .double
        default: return nil
        }
    }
}

extension [UInt8] {
    /// Little-endian groups of 7 bits, bit 7 set on all but the last byte.
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func appendVarint(zigzag value: Int64) {
        appendVarint(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    /// Up to 192 bits, as `appendVarint(zigzag:)`.
    mutating func appendVarint(zigzag value: WideSum) {
        let sign: UInt64 = value.high < 0 ? .max : 0
        var high = UInt64(bitPattern: value.high) << 1 | UInt64(truncatingIfNeeded: value.low >> 127)
        var low = value.low << 1
        high ^= sign
        low ^= UInt128(sign) << 64 | UInt128(sign)
        while high > 0 || low >= 0x80 {
            append(UInt8(truncatingIfNeeded: low) | 0x80)
            low = low >> 7 | UInt128(high & 0x7f) << 121
            high >>= 7
        }
        append(UInt8(low))
    }

    mutating func appendBigEndian(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
}
