/// Number of distinct values from the histogram of register values.
///
/// The "improved raw estimator" of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
/// (2017), algorithm 6: unbiased from one value to the range's end without tables or switching points. With registers
/// of w bits the largest value, 2^w - 1, is Ertl's q + 1. Only + * / and square root are used, in a fixed order, so
/// the result is the same to the last bit on every machine.
enum HyperLogLogEstimator {
    /// 1 / (2 ln 2), Ertl's alpha at infinity.
    private static let alpha = 0.721_347_520_444_481_7
    /// Slots a histogram must have: register values are below 64.
    static let histogramSlots = 64

    /// At least 1: a sketch with registers has seen a value, even if its hash left no trace. And finite: where every
    /// register has the largest value, which chance never does but crafted values can, it is as if one had the next
    /// smaller.
    ///
    /// - Parameters:
    ///   - histogram: how many registers hold each value; at least `registerMaximum + 1` slots; sums to the number
    ///     of registers.
    static func estimate(histogram: UnsafePointer<UInt32>, parameters: HyperLogLogParameters) -> Double {
        let m = Double(parameters.registerCount)
        let top = parameters.registerMaximum
        let saturated = unsafe min(Double(histogram[top]), m - 1)
        var z = m * tau(1 - saturated / m)
        var value = top - 1
        while value >= 1 {
            let missing = unsafe value == top - 1 ? Double(histogram[top]) - saturated : 0
            z = unsafe 0.5 * (z + (Double(histogram[value]) + missing))
            value -= 1
        }
        z += unsafe m * sigma(Double(histogram[0]) / m)
        return max(1, alpha * m * m / z)
    }

    /// x + sum over k of x^(2^k) 2^(k-1); infinite at 1, where no register is filled.
    private static func sigma(_ share: Double) -> Double {
        if share == 1 { return .infinity }
        var x = share
        var y = 1.0
        var z = share
        while true {
            x *= x
            let previous = z
            z += x * y
            y += y
            if z == previous { return z }
        }
    }

    /// (1 - x - sum over k of (1 - x^(2^-k))^2 2^-k) / 3.
    private static func tau(_ share: Double) -> Double {
        if share == 0 || share == 1 { return 0 }
        var x = share
        var y = 1.0
        var z = 1 - share
        while true {
            x = x.squareRoot()
            let previous = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
            if z == previous { return z / 3 }
        }
    }
}
