#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Numbers as Postgres reads and writes them.
enum NumberText {
    /// The text without white space around it.
    static func trimmed(_ text: TextView) -> Range<Int> {
        var (start, end) = (0, text.count)
        while start < end, isSpace(text[start]) { start += 1 }
        while end > start, isSpace(text[end - 1]) { end -= 1 }
        return start..<end
    }

    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        (0x30...0x39).contains(byte) ? UInt64(byte) - 0x30 : nil
    }

    /// Whether a word is, in any case, the beginning of a lower-case one.
    static func matches(_ word: TextView, prefixOf whole: StaticString) -> Bool {
        whole.withUTF8Buffer { letters in
            guard word.count <= letters.count else { return false }
            for index in 0..<word.count {
                let byte = word[index]
                let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
                if unsafe lower != letters[index] { return false }
            }
            return true
        }
    }

    /// A whole number; nil when it is none, or too large.
    static func integer(_ text: TextView) -> Int64? {
        let number = text[trimmed(text)]
        guard number.count > 0 else { return nil }
        let isNegative = number[0] == 0x2D
        let start = isNegative || number[0] == 0x2B ? 1 : 0
        guard start < number.count else { return nil }
        var magnitude: UInt64 = 0
        for index in start..<number.count {
            guard let digit = digit(number[index]) else { return nil }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            magnitude = sum
        }
        return signed(magnitude, isNegative)
    }

    private static func signed(_ magnitude: UInt64, _ isNegative: Bool) -> Int64? {
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= UInt64(1) << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// The units of a decimal, the half rounded away from zero; nil when the text is no number, or too large a one.
    static func units(_ text: TextView, scale: Int) -> Int64? {
        let number = text[trimmed(text)]
        guard number.count > 0 else { return nil }
        let isNegative = number[0] == 0x2D
        var index = isNegative || number[0] == 0x2B ? 1 : 0
        // Where the digits end and how many of them stand behind the point.
        let first = index
        var (digits, behindPoint, isBehindPoint) = (0, 0, false)
        while index < number.count {
            if digit(number[index]) != nil {
                digits += 1
                if isBehindPoint { behindPoint += 1 }
            } else if number[index] == 0x2E, !isBehindPoint {
                isBehindPoint = true
            } else {
                break
            }
            index += 1
        }
        let last = index
        guard digits > 0 else { return nil }
        var exponent = 0
        if index < number.count {
            guard number[index] | 0x20 == 0x65 else { return nil }
            let rest = number[(index + 1)..<number.count]
            // Postgres allows no space before an exponent.
            guard rest.count > 0, !isSpace(rest[0]), let value = integer(rest), abs(value) < 10_000 else { return nil }
            exponent = Int(value)
        }
        return round(number[first..<last], shift: exponent - behindPoint + scale, isNegative)
    }

    /// The digits times 10^shift, as whole units.
    private static func round(_ digits: TextView, shift: Int, _ isNegative: Bool) -> Int64? {
        var left = digits.count - (digits.find(byte: 0x2E) == nil ? 0 : 1) + min(shift, 0)
        var magnitude: UInt64 = 0
        var roundsUp = false
        for index in 0..<digits.count {
            guard let digit = digit(digits[index]) else { continue }
            if left == 0 { roundsUp = digit >= 5 }
            left -= 1
            guard left >= 0 else { continue }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            magnitude = sum
        }
        if magnitude > 0 {
            for _ in 0..<max(0, shift) {
                let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
                guard !overflow else { return nil }
                magnitude = product
            }
        }
        guard let rounded = magnitude == .max && roundsUp ? nil : magnitude + (roundsUp ? 1 : 0) else { return nil }
        return signed(rounded, isNegative)
    }

    /// A double; nil when the text is none, or none that is finite.
    static func double(_ text: TextView) -> Double? {
        let number = text[trimmed(text)]
        guard (1...400).contains(number.count) else { return nil }
        // What strtod takes beyond numbers: no text without a digit is one that is finite.
        return unsafe withUnsafeTemporaryAllocation(byteCount: number.count + 1, alignment: 1) { buffer -> Double? in
            let start = buffer.baseAddress!
            unsafe start.copyMemory(from: number.start, byteCount: number.count)
            unsafe start.storeBytes(of: 0, toByteOffset: number.count, as: UInt8.self)
            var end: UnsafeMutablePointer<CChar>?
            errno = 0
            let characters = unsafe start.assumingMemoryBound(to: CChar.self)
            let value = unsafe strtod(characters, &end)
            guard unsafe end == characters + number.count, value.isFinite else { return nil }
            // As Postgres: what is too small to be told from 0 is out of range.
            return value == 0 && errno == ERANGE ? nil : value
        }
    }

    /// The units of a double: its first 15 digits, as Postgres casts it, rounded to the scale.
    static func units(of value: Double, scale: Int) -> Int64? {
        guard abs(value) < 1e19 else { return nil }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 40, alignment: 1) { buffer -> Int64? in
            let start = buffer.baseAddress!
            let characters = unsafe start.assumingMemoryBound(to: CChar.self)
            _ = unsafe gcvt(value, 15, characters)
            return unsafe units(TextView(start: UnsafeRawPointer(start), count: strlen(characters)), scale: scale)
        }
    }

    /// Writes a decimal with all its digits.
    static func write(units: Int64, scale: Int, _ out: inout TextWriter) {
        if units < 0 { out.append(UInt8(ascii: "-")) }
        let divisor = UInt64(DecimalComparison.powerOfTen(scale))
        out.append(units.magnitude / divisor)
        guard scale > 0 else { return }
        out.append(UInt8(ascii: "."))
        out.append(units.magnitude % divisor, digits: scale)
    }

    /// Writes the shortest text that reads back as the same double.
    static func write(_ value: Double, _ out: inout TextWriter) -> Bool {
        if value == value.rounded(), abs(value) < 1e15 {
            if value.sign == .minus { out.append(UInt8(ascii: "-")) }
            out.append(UInt64(value.magnitude))
            return true
        }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 40, alignment: 1) { buffer in
            let start = buffer.baseAddress!
            let characters = unsafe start.assumingMemoryBound(to: CChar.self)
            // The nearest of the fewest digits; only the smallest doubles need less than 15.
            var digits: Int32 = abs(value) < 1e-300 ? 1 : 15
            while digits <= 17 {
                _ = unsafe gcvt(value, digits, characters)
                if unsafe strtod(characters, nil) == value,
                    !isTie(unsafe TextView(start: UnsafeRawPointer(start), count: strlen(characters)), value)
                {
                    break
                }
                // Next to a power of two the upper neighbour is the farther: then the digits above may do.
                if value.significandBitPattern == 0, unsafe increment(characters),
                    unsafe strtod(characters, nil) == value
                {
                    break
                }
                digits += 1
            }
            let text = unsafe TextView(start: UnsafeRawPointer(start), count: strlen(characters))
            if text.find(byte: 0x65) == nil, abs(value) >= 1e15 {
                writeScientific(text, &out)
            } else {
                out.append(text)
            }
            return true
        }
    }

    /// Adds one to the last digit of a number; false when that needs another digit.
    private static func increment(_ characters: UnsafeMutablePointer<CChar>) -> Bool {
        var index = 0
        while unsafe characters[index] != 0, unsafe characters[index] != 0x65 { index += 1 }
        while index > 0 {
            index -= 1
            switch unsafe characters[index] {
            case 0x30...0x38:
                unsafe characters[index] += 1
                return true
            case 0x39: unsafe characters[index] = 0x30
            default: continue
            }
        }
        return false
    }

    /// Whether a number lies just between a double and its neighbour. It reads back as the double, by the rule of the
    /// even one, but Postgres does not rely on that and takes another digit. Only whole numbers can be so short.
    private static func isTie(_ text: TextView, _ value: Double) -> Bool {
        guard abs(value) >= 0x1p53, abs(value) < 1e37 else { return false }
        var (number, exponent, isBehindPoint) = (Int128(0), 0, false)
        for index in 0..<text.count {
            if let digit = digit(text[index]) {
                number = number * 10 + Int128(digit)
                if isBehindPoint { exponent -= 1 }
            } else if text[index] == 0x2E {
                isBehindPoint = true
            } else if text[index] == 0x65 {
                exponent += Int(integer(text[(index + 1)..<text.count]) ?? 0)
                break
            }
        }
        for _ in 0..<max(0, exponent) { number *= 10 }
        let exact = Int128(abs(value))
        let (above, below) = (Int128(abs(value).nextUp) - exact, exact - Int128(abs(value).nextDown))
        return (number - exact) * 2 == above || (exact - number) * 2 == below
    }

    /// Digits with a point somewhere behind them as `d.ddde+15`: Postgres writes an exponent from there on.
    private static func writeScientific(_ text: TextView, _ out: inout TextWriter) {
        let start = text[0] == 0x2D ? 1 : 0
        let point = text.find(byte: 0x2E) ?? text.count
        var end = text.count
        while text[end - 1] == 0x30 || text[end - 1] == 0x2E { end -= 1 }
        if start > 0 { out.append(0x2D) }
        out.append(text[start])
        if end > start + 1 { out.append(0x2E) }
        for index in (start + 1)..<max(end, start + 1) where index != point { out.append(text[index]) }
        out.append("e+")
        out.append(UInt64(point - start - 1), digits: 2)
    }
}
