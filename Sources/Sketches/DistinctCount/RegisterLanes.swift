/// Eight registers at a time in the bytes of one 64-bit word, register 0 in the lowest byte.
///
/// Values stay below 128, so that lanes cannot borrow from each other.
enum RegisterLanes {
    static let high: UInt64 = 0x8080_8080_8080_8080
    static let ones: UInt64 = 0x0101_0101_0101_0101

    /// The larger of each pair of lanes.
    @inline(__always)
    static func maximum(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let aWins = (((a | high) &- b) & high) &>> 7 &* 0xff
        return (a & aWins) | (b & ~aWins)
    }

    /// Whether some lane of `b` exceeds the same lane of `a`.
    @inline(__always)
    static func anyGreater(_ b: UInt64, than a: UInt64) -> Bool {
        ((a | high) &- b) & high != high
    }

    /// Bit i is set when lane i is not zero.
    @inline(__always)
    static func occupied(_ lanes: UInt64) -> UInt64 {
        let flags = ((lanes &+ 0x7f7f_7f7f_7f7f_7f7f) & high) &>> 7
        return (flags &* 0x0102_0408_1020_4080) &>> 56
    }

    /// Eight nibbles, lowest first, to eight lanes.
    @inline(__always)
    static func spread(nibbles: UInt32) -> UInt64 {
        var x = UInt64(nibbles)
        x = (x | x &<< 16) & 0x0000_ffff_0000_ffff
        x = (x | x &<< 8) & 0x00ff_00ff_00ff_00ff
        return (x | x &<< 4) & 0x0f0f_0f0f_0f0f_0f0f
    }

    /// Eight lanes to 8 * width bits in which register 0 is the most significant, as a FULL body has them.
    @inline(__always)
    static func pack(_ lanes: UInt64, width: UInt64) -> UInt64 {
        var x = lanes.byteSwapped
        x = ((x &>> 8) & 0x00ff_00ff_00ff_00ff) &<< width | (x & 0x00ff_00ff_00ff_00ff)
        x = ((x &>> 16) & 0x0000_ffff_0000_ffff) &<< (2 &* width) | (x & 0x0000_ffff_0000_ffff)
        return (x &>> 32) &<< (4 &* width) | (x & 0xffff_ffff)
    }

    /// The reverse of `pack`; bits above 8 * width are zero.
    @inline(__always)
    static func unpack(_ bits: UInt64, width: UInt64) -> UInt64 {
        let mask1 = (1 as UInt64) &<< width &- 1
        let mask2 = (1 as UInt64) &<< (2 &* width) &- 1
        let mask4 = (1 as UInt64) &<< (4 &* width) &- 1
        var x = (bits &>> (4 &* width)) &<< 32 | (bits & mask4)
        let lanes32 = mask2 | mask2 &<< 32
        x = ((x &>> (2 &* width)) & lanes32) &<< 16 | (x & lanes32)
        let lanes16 = mask1 &* 0x0001_0001_0001_0001
        x = ((x &>> width) & lanes16) &<< 8 | (x & lanes16)
        return x.byteSwapped
    }
}
