/// Reads stored percentile sketches; refuses everything that `encode(into:)` does not write.
///
/// Nothing is trusted: bounds, minimal varints, order, canonical form and the agreement of the redundant parts are
/// checked, so that equal contents keep having equal bytes. A changed sum cannot be told from another sketch's.
@safe struct QuantileReader: StoredFieldReader, ~Copyable {
    static let subject = "percentile sketch"
    let bytes: UnsafeRawBufferPointer
    var position = 0

    /// The fixed parts of a histogram; its buckets go into a list.
    struct Body {
        var count: Int
        var low: Int64
        var high: Int64
        var total: WideSum
        var halvings: Int
    }

    /// - Parameter bytes: borrowed; must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
    }

    mutating func header() throws(SketchError) -> (kind: QuantileValueKind, form: QuantileForm) {
        if let other = unsafe SketchKind(bytes), other != .percentiles { throw other.error(reading: .percentiles) }
        let first = try byte()
        guard first >> 4 == QuantileForm.version else {
            throw SketchError(
                .unsupportedFormat,
                "percentile sketch: unknown version, found \(first >> 4), expected \(QuantileForm.version)")
        }
        guard let form = QuantileForm(rawValue: first & 15) else {
            throw malformed("unknown layout, found \(first & 15), expected 1 to 3")
        }
        let code = try byte()
        guard let kind = QuantileValueKind(code: code) else { throw malformed("unknown kind of values, found \(code)") }
        return (kind, form)
    }

    mutating func exactValues(kind: QuantileValueKind) throws(SketchError) -> [Int64] {
        var values: [Int64] = []
        repeat {
            let value: Int64
            if kind == .double {
                value = try double()
            } else if let last = values.last {
                value = try above(last)
            } else {
                value = try zigzag()
            }
            if let last = values.last, value < last { throw malformed("values out of order") }
            values.append(value)
            guard values.count <= kind.exactMax else {
                throw malformed("too many exact values, expected at most \(kind.exactMax)")
            }
        } while unsafe position < bytes.count
        return values
    }

    mutating func buckets(kind: QuantileValueKind, into list: inout BucketList) throws(SketchError) -> Body {
        let halvings = Int(try byte())
        guard halvings <= QuantileKey.halvingsMax else {
            throw malformed(
                "scale out of range, found \(halvings) halvings, expected at most \(QuantileKey.halvingsMax)")
        }
        guard let count = Int(exactly: try varint()), count > kind.exactMax else {
            throw malformed("count out of range, expected \(kind.exactMax + 1) to 2^63 - 1")
        }
        let low = kind == .double ? try double() : try zigzag()
        let high = kind == .double ? try double() : try above(low)
        guard low <= high else { throw malformed("minimum above maximum") }
        let total = try wideZigzag()
        guard total.isSum(of: count) else { throw malformed("sum out of range") }
        let zeros = try varint()
        let negatives = try varint()
        guard negatives <= UInt64(ExponentialScale.bucketsMax) else { throw malformed("too many negative buckets") }
        var held: UInt64 = 0
        if negatives > 0 { held = try run(sign: -1, buckets: negatives, halvings: halvings, into: &list) }
        if zeros > 0 {
            list.append(QuantileKey.zero, zeros)
            held = try sum(held, zeros)
        }
        if unsafe position < bytes.count {
            held = try sum(held, try run(sign: 1, buckets: .max, halvings: halvings, into: &list))
        }
        guard held == UInt64(count) else { throw malformed("buckets hold \(held) values, expected \(count)") }
        try checkEnds(kind: kind, low: low, high: high, halvings: halvings, list)
        return Body(count: count, low: low, high: high, total: total, halvings: halvings)
    }

    func expectEnd() throws(SketchError) {
        guard unsafe position == bytes.count else { throw malformed("bytes after the end") }
    }

    /// One sign's buckets, up to a number of them or to the end; returns the values they hold.
    private mutating func run(
        sign: Int32, buckets: UInt64, halvings: Int, into list: inout BucketList
    ) throws(SketchError) -> UInt64 {
        var held: UInt64 = 0
        var left = buckets
        let bias = Int64(QuantileKey.bias)
        let first = try zigzag()
        guard first.magnitude <= 65_536 else { throw malformed("bucket out of range") }
        var key = Int64(sign) * (first + bias)
        let limits = Self.limits(sign: sign, halvings: halvings)
        var isFirst = true
        while left > 0, buckets < .max ? true : unsafe position < bytes.count {
            // Nearly all buckets have one byte.
            let isShort = unsafe position < bytes.count && bytes[position] < 0x80
            let token = isShort ? UInt64(try byte()) : try varint()
            if token & 1 == 1 {
                let gap = try varint()
                guard gap < 1 << 18, !isFirst else { throw malformed("bucket gap out of range") }
                key += Int64(gap) + 1
            }
            guard limits.contains(key) else { throw malformed("bucket out of range") }
            let count = token >> 1 + 1
            held = try sum(held, count)
            list.append(Int32(key), count)
            key += 1
            left -= 1
            isFirst = false
        }
        guard !isFirst else { throw truncated() }
        return held
    }

    /// The keys one sign can have on a grid.
    private static func limits(sign: Int32, halvings: Int) -> ClosedRange<Int64> {
        let least = Int64(QuantileKey.coarsened(QuantileKey.bias - 65_408, by: halvings))
        let greatest = Int64(QuantileKey.coarsened(QuantileKey.bias + 65_536, by: halvings))
        return sign > 0 ? least...greatest : -greatest ... -least
    }

    /// The outer buckets are those of minimum and maximum, and the scale is the finest that fits the cap.
    private func checkEnds(
        kind: QuantileValueKind, low: Int64, high: Int64, halvings: Int, _ list: BucketList
    ) throws(SketchError) {
        guard list.first?.key == QuantileKey.coarsened(kind.key(low), by: halvings),
            list.last?.key == QuantileKey.coarsened(kind.key(high), by: halvings)
        else { throw malformed("outer buckets do not hold minimum and maximum") }
        let buckets = list.signedCount
        guard buckets <= ExponentialScale.bucketsMax, halvings == 0 || buckets > ExponentialScale.bucketsMax / 2 else {
            throw malformed("\(buckets) buckets do not go with \(halvings) halvings")
        }
    }
}

// MARK: - Fields

extension QuantileReader {
    private mutating func above(_ base: Int64) throws(SketchError) -> Int64 {
        let step = try varint()
        guard step <= UInt64(bitPattern: .max &- base) else { throw malformed("value above 64 bits") }
        return base &+ Int64(bitPattern: step)
    }

    private mutating func double() throws(SketchError) -> Int64 {
        var bits: UInt64 = 0
        for _ in 0..<8 { bits = bits << 8 | UInt64(try byte()) }
        let value = Double(bitPattern: bits)
        guard value.isFinite, bits != 1 << 63 else { throw malformed("value is not finite, or negative zero") }
        return DoubleRule.ordered(value)
    }

    private mutating func wideZigzag() throws(SketchError) -> WideSum {
        var low: UInt128 = 0
        var high: UInt64 = 0
        var shift = 0
        while true {
            let next = try byte()
            guard shift < 189 || next < 8 else { throw malformed("sum above 192 bits") }
            let bits = UInt128(next & 0x7f)
            low |= shift < 128 ? bits << UInt128(shift) : 0
            let over = shift < 128 ? (shift > 121 ? bits >> UInt128(128 - shift) : 0) : bits << UInt128(shift - 128)
            high |= UInt64(truncatingIfNeeded: over)
            if next < 0x80 {
                guard next > 0 || shift == 0 else { throw malformed("number with a superfluous byte") }
                break
            }
            shift += 7
        }
        let sign: UInt64 = low & 1 == 1 ? .max : 0
        let magnitude = WideSum(low: low >> 1 | UInt128(high & 1) << 127, high: Int64(bitPattern: high >> 1))
        return WideSum(
            low: magnitude.low ^ (UInt128(sign) << 64 | UInt128(sign)), high: magnitude.high ^ Int64(bitPattern: sign))
    }

    private func sum(_ one: UInt64, _ other: UInt64) throws(SketchError) -> UInt64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        guard !overflow else { throw malformed("buckets hold more than 2^64 values") }
        return sum
    }
}
