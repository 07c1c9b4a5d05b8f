/// Exact sums of doubles: each value is rounded once, to a multiple of 10^-9, and added in 128 bits.
enum FixedPoint {
    /// Decimal places kept of a double.
    static let doubleScale = 9

    /// `value` in units of 10^-9, rounded half to even, exactly (no intermediate rounding); saturates beyond 128 bits.
    static func nanos(of value: Double) -> Int128 {
        guard value.isFinite, value != 0 else { return 0 }
        // value = mantissa x 2^exponent; mantissa < 2^53 and 10^9 < 2^30, so the product fits easily.
        let isNegative = value.sign == .minus
        let exponent = Int(value.exponent) - 52
        let mantissa = Int128(Int64((value.magnitude.significand * 0x1p52).rounded()))
        let product = mantissa * 1_000_000_000
        let magnitude: Int128
        if exponent >= 0 {
            if product.leadingZeroBitCount <= exponent + 1 { return isNegative ? .min : .max }
            magnitude = product << Int128(exponent)
        } else if exponent <= -120 {
            magnitude = 0
        } else {
            magnitude = roundedShift(product, by: -exponent)
        }
        return isNegative ? -magnitude : magnitude
    }

    private static func roundedShift(_ value: Int128, by bits: Int) -> Int128 {
        let quotient = value >> Int128(bits)
        let remainder = value - (quotient << Int128(bits))
        let half = Int128(1) << Int128(bits - 1)
        if remainder > half || (remainder == half && quotient & 1 == 1) { return quotient + 1 }
        return quotient
    }

    /// `sum / count` in units of 1, as the nearest double to within one rounding of each operand; a pure function of
    /// both, so the same in every process.
    static func mean(_ sum: Int128, scale: Int, count: Int64) -> Double {
        var divisor = 1.0
        for _ in 0..<scale { divisor *= 10 }
        return Double(sum) / (divisor * Double(count))
    }
}

extension Int128 {
    /// The sum, held at the limits of 128 bits.
    func addingSaturated(_ other: Int128) -> Int128 {
        let (sum, overflow) = addingReportingOverflow(other)
        if !overflow { return sum }
        return other > 0 ? .max : .min
    }
}
