/// Turns a comparison of a decimal with a constant of another scale into one of whole numbers, exactly.
enum DecimalComparison {
    /// A comparison with `units`, which holds for the same units x of 10^-scale as
    /// `x · 10^-scale  comparison  constantUnits · 10^-constantScale`.
    ///
    /// Where nothing or everything compares so, the result compares with a bound of 64 bits, which keeps null null.
    static func rewrite(
        _ comparison: Comparison, scale: Int, constantUnits: Int64, constantScale: Int
    ) -> (comparison: Comparison, units: Int64) {
        if constantScale <= scale {
            let exact = Int128(constantUnits) * Int128(powerOfTen(scale - constantScale))
            if let units = Int64(exactly: exact) { return (comparison, units) }
            let isBelowConstant: Bool = exact > 0
            let holds =
                switch comparison {
                case .equal: false
                case .notEqual: true
                case .less, .lessOrEqual: isBelowConstant
                case .greater, .greaterOrEqual: !isBelowConstant
                }
            return holds ? always : never
        }
        let divisor = powerOfTen(constantScale - scale)
        let (quotient, remainder) = constantUnits.quotientAndRemainder(dividingBy: divisor)
        guard remainder != 0 else { return (comparison, quotient) }
        let floor = remainder < 0 ? quotient - 1 : quotient
        switch comparison {
        case .equal: return never
        case .notEqual: return always
        case .less, .lessOrEqual: return (.lessOrEqual, floor)
        case .greater, .greaterOrEqual: return (.greater, floor)
        }
    }

    /// The units equal to the constant, nil when no decimal of this scale equals it.
    static func units(scale: Int, constantUnits: Int64, constantScale: Int) -> Int64? {
        let (comparison, units) = rewrite(
            .equal, scale: scale, constantUnits: constantUnits, constantScale: constantScale)
        return comparison == .equal ? units : nil
    }

    /// The double nearest to `units / divisor`, as it is read from the decimal's digits.
    @inline(__always)
    static func double(_ units: Int64, divisor: Double) -> Double {
        // Both sides are exact up to there, and a division rounds once.
        guard units.magnitude > 1 << 53, divisor > 1 else { return Double(units) / divisor }
        let scaled = (UInt128(units.magnitude) << 64).quotientAndRemainder(dividingBy: UInt128(divisor))
        // More digits than a double has, the last one saying whether there are others.
        let digits = scaled.quotient | (scaled.remainder > 0 ? 1 : 0)
        let value = Double(digits) * 0x1p-64
        return units < 0 ? -value : value
    }

    /// 10^exponent, for exponents of 0 to 18.
    static func powerOfTen(_ exponent: Int) -> Int64 {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    private static let always = (comparison: Comparison.greaterOrEqual, units: Int64.min)
    private static let never = (comparison: Comparison.less, units: Int64.min)
}
