/// What kind of values a percentile sketch holds; fixed per column, stored with every sketch.
public enum QuantileValueKind: Hashable, Sendable {
    /// 64-bit integers.
    case integer
    /// Fixed-point decimals, given as 64-bit integers scaled by 10^scale; scale 0 ... 18.
    case decimal(scale: Int)
    /// Finite doubles; NaN and infinities are rejected before they get here.
    case double

    /// Up to how many values the stored form is the sorted list of the values themselves.
    ///
    /// 32 integers are never larger than their histogram. Two doubles are their minimum and maximum, which are stored
    /// in any case.
    var exactMax: Int { self == .double ? 2 : 32 }

    /// Decimal places of the exact sum: the column's own, or 9 for doubles.
    public var sumScale: Int {
        switch self {
        case .integer: 0
        case .decimal(let scale): scale
        case .double: 9
        }
    }
}

/// How a kind turns its input into the ordered 64-bit raw form, the bucket key and the exact sum.
///
/// Raw values order as the values do. Generic code over a rule is specialised inside this module, so the inner loops
/// have no dynamic calls.
protocol QuantileRule {
    associatedtype Input
    /// Whether sums of this kind can leave 128 bits.
    static var sumsAreWide: Bool { get }
    func raw(_ input: Input) -> Int64
    func key(_ raw: Int64) -> Int32
    /// The value in units of the last decimal place of the sum.
    func units(_ raw: Int64) -> Int128
}

/// Integers: raw is the value.
@safe struct IntegerRule: QuantileRule {
    static var sumsAreWide: Bool { false }
    let table: UnsafePointer<UInt64>

    @inline(__always) func raw(_ input: Int64) -> Int64 { input }
    @inline(__always) func key(_ raw: Int64) -> Int32 {
        unsafe QuantileKey.of(bits: Double(raw).bitPattern, in: table)
    }
    @inline(__always) func units(_ raw: Int64) -> Int128 { Int128(raw) }
}

/// Decimals: raw is the scaled integer, bucketed as the nearest double.
@safe struct DecimalRule: QuantileRule {
    static var sumsAreWide: Bool { false }
    let table: UnsafePointer<UInt64>
    let scale: Int
    let divisor: Double

    @inline(__always) func raw(_ input: Int64) -> Int64 { input }
    @inline(__always) func key(_ raw: Int64) -> Int32 {
        unsafe QuantileKey.of(bits: DecimalRule.double(raw, scale: scale, divisor: divisor).bitPattern, in: table)
    }
    @inline(__always) func units(_ raw: Int64) -> Int128 { Int128(raw) }

    /// raw / 10^scale, correctly rounded: by one division while raw is exact as a double, else through its digits.
    @inline(__always)
    static func double(_ raw: Int64, scale: Int, divisor: Double) -> Double {
        raw.magnitude <= 1 << 53 ? Double(raw) / divisor : doubleOfDigits(raw, scale: scale)
    }

    @inline(never)
    private static func doubleOfDigits(_ raw: Int64, scale: Int) -> Double {
        guard let value = Double("\(raw)e-\(scale)") else {
            preconditionFailure("digits with an exponent are a number")
        }
        return value
    }
}

/// Doubles: raw is the bit pattern, with the magnitude of negatives flipped so that it sorts as a signed integer.
@safe struct DoubleRule: QuantileRule {
    static var sumsAreWide: Bool { true }
    let table: UnsafePointer<UInt64>

    @inline(__always) func raw(_ input: Double) -> Int64 {
        precondition(input.isFinite, "a percentile sketch holds finite doubles; reject NaN and infinity before it")
        return DoubleRule.ordered(input)
    }
    @inline(__always) func key(_ raw: Int64) -> Int32 {
        unsafe QuantileKey.of(bits: DoubleRule.double(raw).bitPattern, in: table)
    }
    @inline(__always) func units(_ raw: Int64) -> Int128 { FixedPoint.units(DoubleRule.double(raw)) }

    /// The order-preserving form; -0 and 0 are the same value.
    @inline(__always) static func ordered(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: (value + 0.0).bitPattern)
        return bits ^ ((bits >> 63) & .max)
    }
    @inline(__always) static func double(_ raw: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: raw ^ ((raw >> 63) & .max)))
    }
}

extension QuantileValueKind {
    /// 10^scale as a double; exact for every scale up to 22.
    static func power(_ scale: Int) -> Double {
        (0..<scale).reduce(1.0) { power, _ in power * 10 }
    }

    var integerRule: IntegerRule { unsafe IntegerRule(table: ExponentialScale.lookup) }
    var doubleRule: DoubleRule { unsafe DoubleRule(table: ExponentialScale.lookup) }
    func decimalRule(scale: Int) -> DecimalRule {
        unsafe DecimalRule(table: ExponentialScale.lookup, scale: scale, divisor: QuantileValueKind.power(scale))
    }

    /// The value as a double, correctly rounded.
    func double(_ raw: Int64) -> Double {
        switch self {
        case .integer: Double(raw)
        case .decimal(let scale): DecimalRule.double(raw, scale: scale, divisor: QuantileValueKind.power(scale))
        case .double: DoubleRule.double(raw)
        }
    }

    /// The bucket key at scale 6.
    func key(_ raw: Int64) -> Int32 {
        unsafe QuantileKey.of(bits: double(raw).bitPattern, in: ExponentialScale.lookup)
    }

    /// The value in units of the sum's last decimal place.
    func units(_ raw: Int64) -> Int128 {
        self == .double ? FixedPoint.units(DoubleRule.double(raw)) : Int128(raw)
    }
}
