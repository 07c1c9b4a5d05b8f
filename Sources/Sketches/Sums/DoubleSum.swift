/// The exact sum of doubles: what a commit reads a stored sum into, adds a delta to, rounds once and encodes.
///
/// No value is cut and none is clamped, from the least subnormal, 2^-1074, to sums beyond the largest double. The sum is
/// a function of the multiset of values: any order, any parts and any tree of merges give the same bits and bytes.
/// -0 is 0. Fewer than 2^63 values can never leave its range.
///
/// Takes 272 bytes, whatever it holds; reuse one and `reset()` it. For many sums at once use `DoubleSumTable`.
public struct DoubleSum: Sendable {
    /// Whether no value was ever added; a sum of zeros is not empty.
    public internal(set) var isEmpty = true
    var limbs = [UInt64](repeating: 0, count: SumLimbs.count)

    /// A sum of no values.
    public init() {}

    /// Forgets all values.
    public mutating func reset() {
        isEmpty = true
        for position in limbs.indices { limbs[position] = 0 }
    }

    /// Adds a value.
    ///
    /// - Parameter value: finite; NaN and infinities are rejected upstream.
    public mutating func add(_ value: Double) {
        precondition(value.isFinite, "a sum takes finite doubles; reject NaN and infinity before it")
        let parts = DoubleParts(value)
        let fits = add(parts.words(shiftedBy: 0), exponent: parts.exponent)
        precondition(fits, "fewer than 2^63 doubles stay in range")
    }

    /// Adds all values of another sum.
    ///
    /// - Throws: `SketchError.Code.outOfRange` beyond ±2^1087, which no 2^63 doubles reach; nothing has changed then.
    public mutating func merge(_ other: DoubleSum) throws(SketchError) {
        if other.isEmpty { return }
        let before = limbs
        let fits = unsafe other.limbs.withUnsafeBufferPointer { words in
            unsafe words.baseAddress.map { unsafe add($0, words.count, exponent: SumLimbs.lowestExponent) } ?? true
        }
        guard fits else {
            limbs = before
            throw Self.beyondRange
        }
    }

    static var beyondRange: SketchError {
        SketchError(.outOfRange, "sum of doubles: the total leaves its range, expected less than 2^1087")
    }

    /// Adds a number of 128 bits whose lowest bit weighs 2^`exponent`; false when the sum has left its range.
    mutating func add(_ value: Int128, exponent: Int) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { words in
            guard let first = words.baseAddress else { return true }
            unsafe first[0] = UInt64(truncatingIfNeeded: value)
            unsafe first[1] = UInt64(truncatingIfNeeded: value >> 64)
            return unsafe add(first, 2, exponent: exponent)
        }
    }

    /// Adds a number in two's complement whose lowest bit weighs 2^`exponent`; false when the sum has left its range.
    mutating func add(_ words: UnsafePointer<UInt64>, _ count: Int, exponent: Int) -> Bool {
        isEmpty = false
        let position = exponent - SumLimbs.lowestExponent
        let first = position >> 6
        return unsafe limbs.withUnsafeMutableBufferPointer { limbs in
            guard let base = limbs.baseAddress else { return true }
            return unsafe SumLimbs.add(
                words, count, shiftedBy: position & 63, to: base + first, count: SumLimbs.count - first)
        }
    }

    /// Counts a value of zero, which only shows in `isEmpty`.
    mutating func addZero() { isEmpty = false }

    /// Whether the sum is below zero.
    public var isNegative: Bool { limbs[SumLimbs.count - 1] >> 63 != 0 }

    /// The limbs of the magnitude.
    var magnitude: [UInt64] { isNegative ? Self.negated(limbs) : limbs }

    /// The same number with the other sign.
    static func negated(_ limbs: [UInt64]) -> [UInt64] {
        var result = limbs
        var carry = true
        for position in result.indices {
            let (sum, overflow) = (~result[position]).addingReportingOverflow(carry ? 1 : 0)
            result[position] = sum
            carry = overflow
        }
        return result
    }
}
