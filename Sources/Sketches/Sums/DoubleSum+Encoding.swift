/// Stored bytes in and out: docs/formats/sums.md has them byte by byte.
///
/// ```
///  ZERO       30
///  POSITIVE   31 exponent magnitude     the sum is +- magnitude x 2^exponent: zigzag varint, then an odd whole
///  NEGATIVE   32 exponent magnitude     number, big endian, without leading zero bytes
/// ```
/// Canonical: a sum has one form. The sum of a million amounts of money takes 12 to 15 bytes.
extension DoubleSum {
    /// The high nibble of the first byte; sketches have 1 and 2 there.
    static let version: UInt8 = 3
    /// Magnitudes stay below 2^this.
    static let exponentEnd = SumLimbs.lowestExponent + 64 * SumLimbs.count - 1

    /// Appends the stored form.
    ///
    /// - Precondition: there is a value; a sum of no values has no form.
    public func encode(into bytes: inout [UInt8]) {
        precondition(!isEmpty, "the sum of no values is stored as null")
        let magnitude = magnitude
        guard let top = magnitude.lastIndex(where: { $0 != 0 }), let low = magnitude.firstIndex(where: { $0 != 0 })
        else { return bytes.append(Self.version << 4) }
        let lowest = 64 * low + magnitude[low].trailingZeroBitCount
        let bits = 64 * (top + 1) - magnitude[top].leadingZeroBitCount - lowest
        bytes.append(Self.version << 4 | (isNegative ? 2 : 1))
        bytes.appendVarint(zigzag: Int64(SumLimbs.lowestExponent + lowest))
        for byte in (0..<(bits + 7) / 8).reversed() { bytes.append(Self.byte(of: magnitude, at: lowest + 8 * byte)) }
    }

    /// Adds all values of a stored sum.
    ///
    /// - Parameter encoded: bytes written by `encode(into:)`; read only, not kept.
    /// - Throws: `malformedBytes` or `unsupportedFormat` for anything no encoder writes, `outOfRange` when the total
    ///   leaves its range; the sum is unchanged.
    public mutating func merge(encoded: UnsafeRawBufferPointer) throws(SketchError) {
        guard let first = unsafe encoded.first else { throw Self.malformed("found no bytes") }
        if let other = unsafe SketchKind(encoded), other != .sum { throw other.error(reading: .sum) }
        guard first >> 4 == Self.version else {
            throw SketchError(
                .unsupportedFormat, "sum of doubles: unknown version, found \(first >> 4), expected \(Self.version)")
        }
        guard first & 15 <= 2 else { throw Self.malformed("unknown layout, found \(first & 15), expected 0 to 2") }
        if first & 15 == 0 {
            guard encoded.count == 1 else { throw Self.malformed("bytes after zero") }
            return addZero()
        }
        let (exponent, start) = try unsafe Self.exponent(in: encoded)
        var stored = DoubleSum()
        try unsafe stored.setMagnitude(UnsafeRawBufferPointer(rebasing: encoded[start...]), exponent: exponent)
        if first & 15 == 2 { stored.limbs = DoubleSum.negated(stored.limbs) }
        try merge(stored)
    }

    private static func exponent(in bytes: UnsafeRawBufferPointer) throws(SketchError) -> (exponent: Int, next: Int) {
        var value = 0
        var next = 1
        while true {
            guard next < bytes.count else { throw malformed("ends too early, found \(bytes.count) bytes") }
            guard next <= 2 else { throw malformed("exponent out of range") }
            let byte = unsafe Int(bytes[next])
            value |= (byte & 0x7f) << (7 * (next - 1))
            next += 1
            guard byte < 0x80 else { continue }
            guard byte > 0 || next == 2 else { throw malformed("exponent with a superfluous byte") }
            let exponent = value >> 1 ^ -(value & 1)
            guard exponent >= -1_074, exponent < exponentEnd else {
                throw malformed("exponent out of range, found \(exponent)")
            }
            return (exponent, next)
        }
    }

    private mutating func setMagnitude(_ body: UnsafeRawBufferPointer, exponent: Int) throws(SketchError) {
        guard let first = unsafe body.first, let last = unsafe body.last else {
            throw Self.malformed("ends too early, expected a magnitude")
        }
        guard first != 0, last & 1 == 1 else {
            throw Self.malformed("magnitude with leading or trailing zeros")
        }
        let bits = 8 * body.count - first.leadingZeroBitCount
        guard exponent + bits <= Self.exponentEnd else { throw Self.malformed("magnitude out of range") }
        let lowest = exponent - SumLimbs.lowestExponent
        for position in 0..<body.count {
            let byte = unsafe body[body.count - 1 - position]
            let place = lowest + 8 * position
            limbs[place >> 6] |= UInt64(byte) << UInt64(place & 63)
            let over = UInt64(byte) >> UInt64(64 - place & 63)
            if place & 63 > 56, over != 0 { limbs[place >> 6 + 1] |= over }
        }
        isEmpty = false
    }

    /// Eight bits of a magnitude from a bit on.
    private static func byte(of limbs: [UInt64], at bit: Int) -> UInt8 {
        let (limb, shift) = (bit >> 6, UInt64(bit & 63))
        let next = limb + 1 < limbs.count ? limbs[limb + 1] : 0
        return UInt8(truncatingIfNeeded: limbs[limb] >> shift | (shift == 0 ? 0 : next << (64 - shift)))
    }

    private static func malformed(_ what: String) -> SketchError {
        SketchError(.malformedBytes, "sum of doubles: \(what)")
    }
}
