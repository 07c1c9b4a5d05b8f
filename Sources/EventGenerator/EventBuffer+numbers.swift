extension EventBuffer {
    /// Appends a number below 10^16 in decimal, without leading zeros.
    @inline(__always)
    mutating func append(decimal value: UInt64) {
        if value < 100_000_000 {
            appendShort(value)
        } else {
            appendShort(value / 100_000_000)
            append(word: EventBuffer.digits(value % 100_000_000) | EventBuffer.zeros)
        }
    }

    /// Appends a number below 100 as two digits.
    @inline(__always)
    mutating func append(twoDigits value: UInt64) {
        append(byte: UInt8(truncatingIfNeeded: 48 &+ value / 10))
        append(byte: UInt8(truncatingIfNeeded: 48 &+ value % 10))
    }

    /// Appends hundredths as a decimal fraction: 499 becomes `4.99`.
    @inline(__always)
    mutating func append(hundredths value: UInt64) {
        append(decimal: value / 100)
        append(byte: UInt8(ascii: "."))
        append(twoDigits: value % 100)
    }

    /// Appends 8 lower-case hexadecimal digits.
    @inline(__always)
    mutating func append(hex value: UInt32) {
        // Spread the eight nibbles over eight bytes, the highest into the lowest byte (which is written first).
        var nibbles = UInt64(value.byteSwapped)
        nibbles = (nibbles | nibbles &<< 16) & 0x0000_ffff_0000_ffff
        nibbles = (nibbles | nibbles &<< 8) & 0x00ff_00ff_00ff_00ff
        nibbles = ((nibbles &>> 4) | (nibbles &<< 8)) & 0x0f0f_0f0f_0f0f_0f0f
        // A nibble above 9 carries into bit 4 when 6 is added; 'a' stands 39 after the place '9' + 1 would have.
        let letters = ((nibbles &+ 0x0606_0606_0606_0606) &>> 4) & 0x0101_0101_0101_0101
        append(word: (nibbles | EventBuffer.zeros) &+ letters &* 39)
    }

    /// Appends a number below 10^8 without leading zeros: all eight digits are computed, the leading zeros shifted out.
    @inline(__always)
    private mutating func appendShort(_ value: UInt64) {
        let digits = EventBuffer.digits(value)
        let leading = min(digits.trailingZeroBitCount & ~7, 56)
        append(word: (digits | EventBuffer.zeros) &>> UInt64(leading), length: 8 &- leading &>> 3)
    }

    /// Eight times the character "0".
    private static var zeros: UInt64 { 0x3030_3030_3030_3030 }

    /// The eight decimal digits of a number below 10^8, one per byte, the highest digit in the lowest byte.
    ///
    /// Splits 8 digits into 2 x 4, 4 x 2 and 8 x 1 with multiplications in parallel lanes (10486 / 2^20 is 1/100 and
    /// 103 / 2^10 is 1/10 for the numbers that occur), instead of eight divisions.
    @inline(__always)
    private static func digits(_ value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) &<< 32
        let hundreds = ((fours &* 10486) &>> 20) & 0x0000_007f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) &<< 16
        let tens = ((twos &* 103) &>> 10) & 0x000f_000f_000f_000f
        return tens | (twos &- tens &* 10) &<< 8
    }
}
