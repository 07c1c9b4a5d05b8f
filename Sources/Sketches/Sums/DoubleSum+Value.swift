extension DoubleSum {
    /// The double nearest to the sum, half to even: the only rounding there is. Nil when the sum lies beyond the largest
    /// double; 0 without values.
    public var nearest: Double? {
        let magnitude = magnitude
        guard let top = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
        let rest = LeadingBits(magnitude, top: top, exponent: SumLimbs.lowestExponent)
        return rest.double(isNegative: isNegative)
    }

    /// The double nearest to sum / `count`, half to even: one rounding, of the exact quotient. Nil when it lies beyond
    /// the largest double, which no mean of doubles does.
    ///
    /// - Parameter count: at least 1.
    public func mean(of count: UInt64) -> Double? {
        precondition(count > 0, "the mean of no values is asked for")
        let magnitude = magnitude
        guard let top = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
        // Three limbs make at least 65 bits of quotient; whether anything follows them is one bit more.
        var quotient: [UInt64] = [0, 0, 0]
        var remainder: UInt64 = 0
        for step in 0..<3 {
            let limb = top - step >= 0 ? magnitude[top - step] : 0
            (quotient[2 - step], remainder) = count.dividingFullWidth((remainder, limb))
        }
        let isInexact = remainder != 0 || magnitude[..<max(0, top - 2)].contains { $0 != 0 }
        guard let lead = quotient.lastIndex(where: { $0 != 0 }) else { return 0 }
        var rest = LeadingBits(quotient, top: lead, exponent: SumLimbs.lowestExponent + 64 * (top - 2))
        rest.isInexact = rest.isInexact || isInexact
        return rest.double(isNegative: isNegative)
    }

    /// The sum for people: the shortest digits that read back as `nearest`; beyond the largest double, the 17 leading
    /// digits of the sum, rounded half to even.
    public var decimal: DoubleDigits {
        if let nearest { return DoubleDigits(nearest) }
        // Whole limbs, from 2^0 on, in groups of 19 digits, the lowest first.
        let magnitude = magnitude
        let unit = -SumLimbs.lowestExponent / 64
        var whole = Array(magnitude[unit...])
        var digits = ""
        while whole.contains(where: { $0 != 0 }) {
            var remainder: UInt64 = 0
            for position in whole.indices.reversed() {
                (whole[position], remainder) = DoubleDigits.group.dividingFullWidth((remainder, whole[position]))
            }
            let text = String(remainder)
            digits = String(repeating: "0", count: 19 - text.count) + text + digits
        }
        let isInexact = magnitude[..<unit].contains { $0 != 0 }
        return DoubleDigits(leading: digits.drop { $0 == "0" }, isInexact: isInexact, isNegative: isNegative)
    }
}

/// The first 64 bits of a number that is not zero, and whether others follow: all that rounding needs.
private struct LeadingBits {
    /// Bit 63 is set.
    var bits: UInt64
    /// Of the lowest of the 64 bits.
    var exponent: Int
    var isInexact: Bool

    /// - Parameters:
    ///   - top: the highest limb that is not zero.
    ///   - exponent: of the lowest bit of limb 0.
    init(_ limbs: [UInt64], top: Int, exponent: Int) {
        let shift = UInt64(limbs[top].leadingZeroBitCount)
        let next = top > 0 ? limbs[top - 1] : 0
        bits = shift == 0 ? limbs[top] : limbs[top] << shift | next >> (64 - shift)
        self.exponent = exponent + 64 * top - Int(shift)
        isInexact = next << shift != 0 || limbs[..<max(0, top - 1)].contains { $0 != 0 }
    }

    /// The nearest double, half to even; nil beyond the largest.
    func double(isNegative: Bool) -> Double? {
        // Subnormals have fewer bits: none is worth less than 2^-1074.
        let dropped = max(11, -1_074 - exponent)
        guard dropped <= 64 else { return 0 }
        let kept = dropped == 64 ? 0 : bits >> UInt64(dropped)
        let rest = bits << UInt64(64 - dropped)
        let half: UInt64 = 1 << 63
        let goesUp = rest > half || rest == half && (isInexact || kept & 1 == 1)
        let value = Double(
            sign: isNegative ? .minus : .plus, exponent: exponent + dropped,
            significand: Double(kept + (goesUp ? 1 : 0)))
        return value.isFinite ? value + 0 : nil
    }
}

/// A decimal number of a few digits and any size: `digits` x 10^`exponent`.
public struct DoubleDigits: Hashable, Sendable {
    /// Whether the number is below zero.
    public var isNegative: Bool
    /// At most 17 digits, the last of them not 0; 0 for zero.
    public var digits: UInt64
    /// Of the last digit.
    public var exponent: Int

    fileprivate static let group: UInt64 = 10_000_000_000_000_000_000

    /// The shortest digits that read back as a finite double; -0 is 0.
    public init(_ value: Double) {
        isNegative = value < 0
        digits = 0
        exponent = 0
        var places = 0
        var isFraction = false
        var written = 0
        var isBelowOne = false
        var text = value.magnitude.description
        text.withUTF8 { bytes in
            for position in 0..<bytes.count {
                switch unsafe bytes[position] {
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"):
                    for next in (position + 1)..<bytes.count {
                        let byte = unsafe bytes[next]
                        if byte == UInt8(ascii: "-") { isBelowOne = true }
                        if byte >= UInt8(ascii: "0") { written = written * 10 + Int(byte - UInt8(ascii: "0")) }
                    }
                    return
                case let byte:
                    digits = digits * 10 + UInt64(byte - UInt8(ascii: "0"))
                    if isFraction { places += 1 }
                }
            }
        }
        exponent = (isBelowOne ? -written : written) - places
        strip()
    }

    /// Rounds a string of digits, more than 17 of them, half to even.
    fileprivate init(leading text: Substring, isInexact: Bool, isNegative: Bool) {
        self.isNegative = isNegative
        let rest = text.dropFirst(17)
        digits = text.prefix(17).reduce(0) { $0 * 10 + UInt64($1.wholeNumberValue ?? 0) }
        exponent = rest.count
        let isBeyondHalf = isInexact || rest.dropFirst().contains { $0 != "0" }
        if let first = rest.first, first > "5" || first == "5" && (isBeyondHalf || digits % 2 == 1) { digits += 1 }
        strip()
    }

    /// Takes zeros at the end away.
    private mutating func strip() {
        if digits == 0 {
            exponent = 0
            return
        }
        while digits % 10 == 0 {
            digits /= 10
            exponent += 1
        }
    }
}
