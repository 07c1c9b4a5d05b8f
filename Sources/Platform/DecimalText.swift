/// Decimals for people, SQL and JSON.
public enum DecimalText {
    /// `units` x 10^-`scale` with all its places: `of(units: -5, scale: 2)` is `-0.05`, `of(units: 7, scale: 0)` is `7`.
    public static func of(units: some BinaryInteger, scale: Int) -> String {
        guard scale > 0 else { return String(units) }
        let digits = String(units.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
        return (units < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }
}
