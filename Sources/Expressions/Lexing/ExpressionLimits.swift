/// Bounds on an expression, so that a hostile or generated one ends in a diagnostic and no walk over it runs deep.
enum ExpressionLimits {
    /// Unicode scalars of an expression's text.
    static let lengthMax = 65_536
    /// Operators and calls inside each other.
    static let heightMax = 100
    /// Digits after the point of a decimal, as 10^18 is the largest power that fits 64 bits.
    static let scaleMax = 18
    /// Bytes of a text that a function makes; a longer one is null, and counted.
    static let textBytesMax = 1 << 20
}
