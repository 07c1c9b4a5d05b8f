/// Sums of integers and decimals: fixed point in 128 bits.
package enum ExactSum {
    /// `sum / count`, where `sum` counts units of 10^-scale: a pure function of its arguments, at most 2 units in the last
    /// place off, since each of them is rounded to a double once.
    package static func mean(_ sum: Int128, scale: Int, count: Int64) -> Double {
        var divisor = 1.0
        for _ in 0..<scale { divisor *= 10 }
        return Double(sum) / (divisor * Double(count))
    }

    /// Adds what is stored to what is new; nil stands for "no value yet".
    /// - Parameters:
    ///   - scale: decimal places of `new` and of the result.
    ///   - column: the stored sum's column, for errors.
    static func merge(_ new: Int128?, with stored: FixedDecimal?, scale: Int, _ column: String) throws -> Int128? {
        guard let stored else { return new }
        guard let old = stored.rescaled(to: scale) else {
            throw StoredValueError(
                column: column,
                problem: "the stored sum has more than \(scale) decimal places or 128 bits, so it was changed by "
                    + "someone else")
        }
        let (sum, overflow) = old.addingReportingOverflow(new ?? 0)
        guard !overflow else {
            throw StoredValueError(
                column: column, problem: "the sum leaves its range, expected at most 2^127 in its last decimal place")
        }
        return sum
    }
}
