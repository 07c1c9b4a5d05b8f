import Sketches

/// Sums that do not depend on the order of adding: fixed point in 128 bits.
enum ExactSum {
    /// Decimal places kept of a double.
    static let doubleScale = 9

    /// Magnitude, in units of 10^-9, that one double counts for at most: 2^95, about 4e19. More than four billion such
    /// values fit in 128 bits, so a sum never overflows and stays a function of the values alone.
    private static let unitsMax: Int128 = 1 << 95

    /// `value` in units of 10^-9, rounded once, half to even.
    static func units(of value: Double) -> Int128 { min(max(FixedPoint.units(value), -unitsMax), unitsMax) }

    /// `sum / count`, where `sum` counts units of 10^-scale: a pure function of its arguments, each rounded to a double
    /// once.
    static func mean(_ sum: Int128, scale: Int, count: Int64) -> Double {
        var divisor = 1.0
        for _ in 0..<scale { divisor *= 10 }
        return Double(sum) / (divisor * Double(count))
    }
}
