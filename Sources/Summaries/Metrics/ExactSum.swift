/// Sums of integers and decimals: fixed point in 128 bits.
package enum ExactSum {
    /// `sum / count`, where `sum` counts units of 10^-scale: a pure function of its arguments, at most 2 units in the last
    /// place off, since each of them is rounded to a double once.
    package static func mean(_ sum: Int128, scale: Int, count: Int64) -> Double {
        var divisor = 1.0
        for _ in 0..<scale { divisor *= 10 }
        return Double(sum) / (divisor * Double(count))
    }
}
