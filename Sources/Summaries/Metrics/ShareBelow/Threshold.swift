/// A number to compare with, exactly as it was written.
struct Threshold: Hashable, Sendable {
    /// In canonical form, without needless zeros: it is kept with tables.
    let text: String
    private let unscaled: Int64
    private let scale: Int

    /// The most digits: what fits 64 bits at any scale.
    private static let digitsMax = 18

    /// Reads `300` or `-2.50`; nil for what has an exponent or too many digits.
    init?(_ written: String) {
        let parts = written.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        while fraction.last == "0" { fraction.removeLast() }
        let isNegative = written.hasPrefix("-")
        let whole = String(parts[0].drop { $0 == "-" || $0 == "+" }.drop { $0 == "0" })
        let digits = whole + fraction
        guard digits.utf8.count <= Self.digitsMax, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let magnitude = Int64(digits.isEmpty ? "0" : digits)
        else { return nil }
        unscaled = isNegative ? -magnitude : magnitude
        scale = fraction.utf8.count
        let shown = (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction)
        text = (isNegative && magnitude > 0 ? "-" : "") + shown
    }

    /// The nearest double.
    var double: Double { FixedDecimal(unscaled: Int128(unscaled), scale: scale).nearestDouble }

    /// The least whole number, in units of 10^-`places`, that is not below it: a value is below the one if and only if it is
    /// below the other.
    func integer(scale places: Int) -> Int64 {
        var value = Int128(unscaled)
        if places >= scale {
            for _ in scale..<places { value *= 10 }
        } else {
            var divisor: Int128 = 1
            for _ in places..<scale { divisor *= 10 }
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
            value = quotient + (remainder > 0 ? 1 : 0)
        }
        return Int64(clamping: value)
    }
}
