/// An exact decimal number, `unscaled` x 10^-`scale`: what PostgreSQL calls `numeric`, as far as 128 bits reach.
public struct Decimal128: Sendable, Hashable {
    /// All digits as one integer.
    public var unscaled: Int128
    /// How many of the digits stand after the decimal point, 0...16383 (PostgreSQL's `dscale`).
    public var scale: Int

    /// - Precondition: `scale` in 0...16383.
    public init(unscaled: Int128, scale: Int) {
        precondition((0...Limits.numericScaleMax).contains(scale), "a decimal's scale lies in 0...16383")
        self.unscaled = unscaled
        self.scale = scale
    }
}

/// The binary form of `numeric`, all integers big endian:
///
///     | ndigits u16 | weight i16 | sign u16 | dscale u16 | digit u16 (0...9999) x ndigits |
///
/// value = ± sum of digit[i] x 10000^(weight - i). Sign: 0 plus, 0x4000 minus, 0xC000 NaN, 0xD000 +inf, 0xF000 -inf.
enum NumericWire {
    /// 39 digits, cut at a decimal point that may fall inside a group of four, fill at most eleven groups.
    static let groupsMax = 11
    private static let base: UInt32 = 10_000
    private static let powersOfTen: InlineArray<5, UInt32> = [1, 10, 100, 1_000, 10_000]

    static func append(_ value: Decimal128, to bytes: inout [UInt8]) {
        var groups = InlineArray<11, UInt16>(repeating: 0)
        let count = split(value, into: &groups)
        var lowest = 0
        while lowest < count, groups[lowest] == 0 { lowest += 1 }
        let digits = count - lowest
        let fractionGroups = (value.scale + 3) / 4
        let weight = digits == 0 ? 0 : count - 1 - fractionGroups
        append16(UInt16(digits), to: &bytes)
        append16(UInt16(bitPattern: Int16(weight)), to: &bytes)
        append16(value.unscaled < 0 ? 0x4000 : 0, to: &bytes)
        append16(UInt16(value.scale), to: &bytes)
        var index = count - 1
        while index >= lowest {
            append16(groups[index], to: &bytes)
            index -= 1
        }
    }

    /// Appends `digits` x 10^`exponent`, which may lie far from the decimal point.
    static func append(isNegative: Bool, digits: UInt64, exponent: Int, to bytes: inout [UInt8]) {
        precondition((-16_000...16_000).contains(exponent), "a numeric's digits lie within 16,000 of the point")
        // Groups are aligned to the decimal point.
        let surplus = exponent & 3
        var rest = UInt128(digits) * UInt128(powersOfTen[surplus])
        var lowest = (exponent - surplus) / 4
        while rest != 0, rest % UInt128(base) == 0 {
            rest /= UInt128(base)
            lowest += 1
        }
        var groups: [UInt16] = []
        while rest > 0 {
            groups.append(UInt16(rest % UInt128(base)))
            rest /= UInt128(base)
        }
        append16(UInt16(groups.count), to: &bytes)
        append16(UInt16(bitPattern: Int16(groups.isEmpty ? 0 : lowest + groups.count - 1)), to: &bytes)
        append16(isNegative && !groups.isEmpty ? 0x4000 : 0, to: &bytes)
        append16(UInt16(max(0, -exponent)), to: &bytes)
        for group in groups.reversed() { append16(group, to: &bytes) }
    }

    /// Cuts the digits into groups of four around the decimal point, the least significant first, and answers how
    /// many there are up to the most significant that is not zero.
    private static func split(_ value: Decimal128, into groups: inout InlineArray<11, UInt16>) -> Int {
        var rest = value.unscaled.magnitude
        var count = 0
        let partial = value.scale % 4
        if partial != 0 {
            // The lowest group holds only `partial` digits, so it is filled up with zeros on the right. Dividing
            // first keeps this exact for all 39 digits, where multiplying would overflow.
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt128(powersOfTen[partial]))
            groups[0] = UInt16(UInt32(remainder) * powersOfTen[4 - partial])
            rest = quotient
            count = 1
        }
        while rest > UInt128(UInt64.max) {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt128(base))
            groups[count] = UInt16(remainder)
            rest = quotient
            count += 1
        }
        var low = UInt64(rest)
        while low > 0 {
            groups[count] = UInt16(low % UInt64(base))
            low /= UInt64(base)
            count += 1
        }
        while count > 0, groups[count - 1] == 0 { count -= 1 }
        return count
    }

    /// Nil for NaN, infinities, malformed bytes, and numbers beyond 128 bits at their own scale.
    static func decode(_ bytes: RawSpan) -> Decimal128? {
        guard bytes.byteCount >= 8 else { return nil }
        let digits = Int(bytes.bigEndian16(at: 0))
        let weight = Int(Int16(bitPattern: bytes.bigEndian16(at: 2)))
        let sign = bytes.bigEndian16(at: 4)
        let scale = Int(bytes.bigEndian16(at: 6))
        guard bytes.byteCount == 8 + 2 * digits, sign == 0 || sign == 0x4000, scale <= Limits.numericScaleMax else {
            return nil
        }
        if digits == 0 { return Decimal128(unscaled: 0, scale: scale) }
        // Decimal places that the groups on the wire reach; the last group may reach beyond the declared scale.
        let places = (digits - 1 - weight) * 4
        let surplus = places - scale
        guard surplus <= 3 else { return nil }
        var magnitude: UInt128 = 0
        for index in 0..<digits {
            var group = UInt32(bytes.bigEndian16(at: 8 + 2 * index))
            guard group < base else { return nil }
            var factor = base
            if index == digits - 1, surplus > 0 {
                factor = powersOfTen[4 - surplus]
                guard group % powersOfTen[surplus] == 0 else { return nil }
                group /= powersOfTen[surplus]
            }
            guard let next = multiply(magnitude, by: factor, adding: group) else { return nil }
            magnitude = next
        }
        var missing = max(0, -surplus)
        while missing > 0, magnitude != 0 {
            let step = min(missing, 4)
            guard let next = multiply(magnitude, by: powersOfTen[step], adding: 0) else { return nil }
            magnitude = next
            missing -= step
        }
        guard let unscaled = signed(magnitude, negative: sign == 0x4000) else { return nil }
        return Decimal128(unscaled: unscaled, scale: scale)
    }

    private static func multiply(_ value: UInt128, by factor: UInt32, adding digit: UInt32) -> UInt128? {
        let (product, overflow) = value.multipliedReportingOverflow(by: UInt128(factor))
        let (sum, carry) = product.addingReportingOverflow(UInt128(digit))
        return overflow || carry ? nil : sum
    }

    private static func signed(_ magnitude: UInt128, negative: Bool) -> Int128? {
        if !negative { return Int128(exactly: magnitude) }
        let limit = UInt128(Int128.max) + 1
        if magnitude == limit { return Int128.min }
        return Int128(exactly: magnitude).map { -$0 }
    }

    private static func append16(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}
