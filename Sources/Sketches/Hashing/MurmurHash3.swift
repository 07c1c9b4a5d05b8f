/// MurmurHash3 x64_128 (Austin Appleby, 2011, public domain), first 64-bit word, seed 0.
///
/// Equal to the postgresql-hll functions `hll_hash_text` (UTF-8 bytes) and `hll_hash_bigint` (little-endian 64-bit
/// integer), so sketches fed here and sketches fed in SQL merge. The second word is computed only as far as the first
/// depends on it.
public enum MurmurHash3 {
    @usableFromInline static let c1: UInt64 = 0x87c3_7b91_1142_53d5
    @usableFromInline static let c2: UInt64 = 0x4cf5_ad43_2745_937f

    /// The hash of a 64-bit integer's eight little-endian bytes.
    @inlinable
    public static func hash(_ value: Int64) -> UInt64 {
        finish(scrambleLow(UInt64(bitPattern: value)), 0, length: 8)
    }

    /// The hash of a byte string of any length; empty gives 0.
    ///
    /// Reads no byte outside the buffer.
    @inlinable
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0 }
        return unsafe hash(base, count: bytes.count)
    }

    /// The hash of `count` bytes starting at `base`.
    @inlinable
    public static func hash(_ base: UnsafeRawPointer, count: Int) -> UInt64 {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        var rest = unsafe base
        var left = count
        while left >= 16 {
            h1 ^= unsafe scrambleLow(word(rest))
            h1 = ((rotate(h1, 27) &+ h2) &* 5) &+ 0x52dc_e729
            h2 ^= unsafe scrambleHigh(word(rest + 8))
            h2 = ((rotate(h2, 31) &+ h1) &* 5) &+ 0x3849_5ab5
            unsafe rest += 16
            left -= 16
        }
        if left > 8 {
            // The last eight bytes overlap the first eight: shift away what was already taken.
            let overlap = UInt64(truncatingIfNeeded: 16 &- left)
            h2 ^= unsafe scrambleHigh(word(rest + (left &- 8)) &>> (overlap &* 8))
            h1 ^= unsafe scrambleLow(word(rest))
        } else if left > 0 {
            h1 ^= unsafe scrambleLow(shortWord(rest, count: left))
        }
        return finish(h1, h2, length: UInt64(truncatingIfNeeded: count))
    }

    @inlinable @inline(__always)
    static func finish(_ low: UInt64, _ high: UInt64, length: UInt64) -> UInt64 {
        var h1 = low ^ length
        var h2 = high ^ length
        h1 &+= h2
        h2 &+= h1
        return avalanche(h1) &+ avalanche(h2)
    }

    @inlinable @inline(__always)
    static func scrambleLow(_ k: UInt64) -> UInt64 { rotate(k &* c1, 31) &* c2 }

    @inlinable @inline(__always)
    static func scrambleHigh(_ k: UInt64) -> UInt64 { rotate(k &* c2, 33) &* c1 }

    @inlinable @inline(__always)
    static func rotate(_ x: UInt64, _ bits: UInt64) -> UInt64 { (x &<< bits) | (x &>> (64 &- bits)) }

    @inlinable @inline(__always)
    static func avalanche(_ x: UInt64) -> UInt64 {
        var k = x
        k ^= k &>> 33
        k &*= 0xff51_afd7_ed55_8ccd
        k ^= k &>> 33
        k &*= 0xc4ce_b9fe_1a85_ec53
        return k ^ (k &>> 33)
    }

    /// Eight bytes, little-endian, at any alignment.
    @inlinable @inline(__always)
    static func word(_ p: UnsafeRawPointer) -> UInt64 {
        unsafe UInt64(littleEndian: p.loadUnaligned(as: UInt64.self))
    }

    /// One to eight bytes, little-endian, zero-extended, in two overlapping loads instead of a loop.
    @inlinable @inline(__always)
    static func shortWord(_ p: UnsafeRawPointer, count: Int) -> UInt64 {
        if count >= 4 {
            let low = unsafe UInt64(UInt32(littleEndian: p.loadUnaligned(as: UInt32.self)))
            let high = unsafe UInt64(UInt32(littleEndian: (p + (count &- 4)).loadUnaligned(as: UInt32.self)))
            return low | (high &<< (UInt64(truncatingIfNeeded: count &- 4) &* 8))
        }
        let first = unsafe UInt64(p.load(as: UInt8.self))
        let middle = unsafe UInt64(p.load(fromByteOffset: count &>> 1, as: UInt8.self))
        let last = unsafe UInt64(p.load(fromByteOffset: count &- 1, as: UInt8.self))
        let middleShift = UInt64(truncatingIfNeeded: count &>> 1) &* 8
        let lastShift = UInt64(truncatingIfNeeded: count &- 1) &* 8
        return first | (middle &<< middleShift) | (last &<< lastShift)
    }
}
