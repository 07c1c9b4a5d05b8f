import CPrefetch

/// Where a bucket begins.
struct BucketHead {
    /// Its first key.
    var first: UInt32
    /// Its block, in bytes from the first one.
    var offset: UInt32
}

/// How the keys of a shard lie in its blocks.
struct KeyLayout {
    /// Bytes of every key; 0 where they differ.
    var width = 0
    /// Bytes of where a key ends: 2, or 4 where the keys of a bucket do not fit; 0 where all keys have one width.
    var endBytes = 0

    /// Bytes of a key beside its own.
    var overhead: Int { 1 + endBytes }
}

/// The keys of a bucket, which lie as ``Shard`` describes.
@unsafe struct Bucket {
    var base: UnsafeRawPointer
    /// The number of its first key.
    var first: UInt32
    var count: UInt32

    /// Bytes that can be read behind the last block of a shard: tags are read eight at a time.
    static let readAhead = 16

    /// The bits of a hash that a key keeps.
    @inline(__always)
    static func tag(_ hash: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: hash &>> 32) }

    /// The place of the first key with a tag among the first eight; 8 where there is none. What lies behind the tags may
    /// look like one, so a place from `count` on says nothing.
    @inline(__always)
    func place(of tag: UInt8) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tags = unsafe UInt64(littleEndian: base.loadUnaligned(as: UInt64.self))
        // The lowest byte that is zero has the lowest bit that is set; bits above it may be wrong.
        let different = tags ^ UInt64(tag) &* ones
        return ((different &- ones) & ~different & (ones &<< 7)).trailingZeroBitCount &>> 3
    }

    /// The place of the first key with a tag, from a place on; `count` when there is none.
    func place(of tag: UInt8, from start: Int) -> Int {
        var place = start
        while unsafe place < count, unsafe base.load(fromByteOffset: place, as: UInt8.self) != tag { place += 1 }
        return place
    }

    /// The bytes of the key at a place.
    @inline(__always)
    func key(_ place: Int, _ layout: KeyLayout) -> UnsafeRawBufferPointer {
        let ends = unsafe base + Int(count)
        if layout.width > 0 {
            return unsafe UnsafeRawBufferPointer(start: ends + place &* layout.width, count: layout.width)
        }
        let keys = unsafe ends + Int(count) &* layout.endBytes
        let (start, end) = unsafe (Self.end(ends, place &- 1, layout), Self.end(ends, place, layout))
        return unsafe UnsafeRawBufferPointer(start: keys + start, count: end &- start)
    }

    /// Where the key at a place ends; 0 for the one before the first.
    @inline(__always)
    private static func end(_ ends: UnsafeRawPointer, _ place: Int, _ layout: KeyLayout) -> Int {
        guard place >= 0 else { return 0 }
        if layout.endBytes == 2 { return unsafe Int((ends + place &* 2).loadUnaligned(as: UInt16.self)) }
        return unsafe Int((ends + place &* 4).loadUnaligned(as: UInt32.self))
    }
}
