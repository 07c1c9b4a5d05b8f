import Dataflow

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A text somewhere in memory: valid UTF-8.
@safe struct TextView {
    let start: UnsafeRawPointer
    let count: Int

    @inline(__always)
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: count) }

    @inline(__always)
    subscript(_ index: Int) -> UInt8 { unsafe start.load(fromByteOffset: index, as: UInt8.self) }

    @inline(__always)
    subscript(_ range: Range<Int>) -> TextView {
        unsafe TextView(start: start + range.lowerBound, count: range.count)
    }

    /// Calls `body` with the bytes of an array as a text.
    @inline(__always)
    static func with<Value>(_ bytes: [UInt8], _ body: (TextView) -> Value) -> Value {
        unsafe bytes.withUnsafeBytes { buffer in
            // An empty array has no address.
            guard let start = buffer.baseAddress else {
                var nothing: UInt8 = 0
                return unsafe withUnsafeBytes(of: &nothing) { unsafe body(TextView(start: $0.baseAddress!, count: 0)) }
            }
            return unsafe body(TextView(start: start, count: buffer.count))
        }
    }
}

/// Whether two runs of `count` bytes are equal.
@inline(__always)
func equalBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
    unsafe memcmp(a, b, count) == 0
}

extension TextView {
    @inline(__always)
    static func == (a: TextView, b: TextView) -> Bool {
        unsafe a.count == b.count && equalBytes(a.start, b.start, a.count)
    }

    /// Before, same or after, by bytes: -1, 0 or 1.
    @inline(__always)
    static func order(_ a: TextView, _ b: TextView) -> Int {
        let first = unsafe Int(memcmp(a.start, b.start, min(a.count, b.count)))
        return first != 0 ? first.signum() : (a.count - b.count).signum()
    }

    @inline(__always)
    func hasPrefix(_ other: TextView) -> Bool {
        unsafe count >= other.count && equalBytes(start, other.start, other.count)
    }

    @inline(__always)
    func hasSuffix(_ other: TextView) -> Bool {
        unsafe count >= other.count && equalBytes(start + (count - other.count), other.start, other.count)
    }

    /// Where another text begins in this one, at `from` or later.
    @inline(__always)
    func find(_ other: TextView, from: Int = 0) -> Int? {
        guard other.count > 0 else { return from <= count ? from : nil }
        guard count - from >= other.count else { return nil }
        var next = unsafe start + from
        let end = unsafe start + (count - other.count + 1)
        let first = Int32(other[0])
        while unsafe next < end, let found = unsafe memchr(next, first, end - next) {
            if unsafe equalBytes(UnsafeRawPointer(found), other.start, other.count) {
                return unsafe UnsafeRawPointer(found) - start
            }
            unsafe next = UnsafeRawPointer(found) + 1
        }
        return nil
    }

    /// Where a byte stands, at `from` or later.
    @inline(__always)
    func find(byte: UInt8, from: Int = 0) -> Int? {
        guard from < count, let found = unsafe memchr(start + from, Int32(byte), count - from) else { return nil }
        return unsafe UnsafeRawPointer(found) - start
    }

    @inline(__always)
    func contains(_ other: TextView) -> Bool { find(other) != nil }

    /// A hash of the bytes, for tables of this process. Whoever chooses the texts can make them collide.
    @inline(__always)
    var hash: UInt64 {
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= count {
            hash =
                (hash ^ (unsafe start.loadUnaligned(fromByteOffset: index, as: UInt64.self))) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            index += 8
        }
        while index < count {
            hash = (hash ^ UInt64(self[index])) &* 0x100_0000_01B3
            index += 1
        }
        hash ^= hash >> 29
        return hash &* 0xC4CE_B9FE_1A85_EC53
    }
}

/// Unicode code points.
extension TextView {
    /// Bytes of the code point that begins with a byte.
    @inline(__always)
    static func width(of lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

    /// Unicode code points: the bytes that do not continue one.
    var codePoints: Int64 {
        var count: Int64 = 0
        for index in 0..<self.count where self[index] & 0xC0 != 0x80 { count += 1 }
        return count
    }

    /// The byte at which a code point begins, counted from 0; the end for the ones behind it.
    func byteOffset(ofPoint point: Int64) -> Int {
        var left = point
        var index = 0
        while index < count, left > 0 {
            index = min(count, index + Self.width(of: self[index]))
            left -= 1
        }
        return index
    }

    /// The byte at which the code point begins that lies `points` before the end.
    func byteOffset(fromEnd points: Int64) -> Int {
        var left = points
        var index = count
        while index > 0, left > 0 {
            index -= 1
            if self[index] & 0xC0 != 0x80 { left -= 1 }
        }
        return index
    }

    /// The code point that begins at a byte, with its width.
    func point(at index: Int) -> (value: UInt32, width: Int) {
        let lead = self[index]
        let width = min(Self.width(of: lead), count - index)
        guard width > 1 else { return (UInt32(lead), 1) }
        var value = UInt32(lead) & (0x7F >> UInt32(width))
        for offset in 1..<width { value = value << 6 | UInt32(self[index + offset] & 0x3F) }
        return (value, width)
    }
}
