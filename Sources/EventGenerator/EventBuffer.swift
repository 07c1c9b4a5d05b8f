/// The bytes of generated events, in memory that is used again for the next ones.
///
/// Room is checked once per event by ``reserve(_:)``; the appends of one event's parts do not check it again, except in
/// debug builds.
@safe
package struct EventBuffer: ~Copyable {
    /// Bytes written so far.
    private(set) var count = 0
    private var capacity: Int
    private var base: UnsafeMutableRawPointer

    /// An empty buffer with room for `capacity` bytes; it grows when that is not enough.
    package init(capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Makes room for `bytes` more.
    @inline(__always)
    mutating func reserve(_ bytes: Int) {
        if capacity &- count < bytes { grow(by: bytes) }
    }

    /// Forgets what was written after the first `count` bytes and keeps the memory.
    package mutating func truncate(to count: Int) {
        precondition((0...self.count).contains(count), "a buffer can only be cut to less than it holds")
        self.count = count
    }

    /// The bytes from `start` on, valid during the call.
    package func withUnsafeBytes<Result>(
        from start: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition((0...count).contains(start), "a buffer is read from within")
        return try unsafe body(UnsafeRawBufferPointer(start: base + start, count: count - start))
    }

    /// Appends the UTF-8 bytes of a literal; of one known at compile time this is a few moves.
    @inline(__always)
    mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        let end = unsafe advance(by: length)
        unsafe end.copyMemory(from: text.utf8Start, byteCount: length)
    }

    /// Appends one byte.
    @inline(__always)
    mutating func append(byte: UInt8) {
        unsafe advance(by: 1).storeBytes(of: byte, as: UInt8.self)
    }

    /// Appends the eight bytes of `word`, the lowest first.
    @inline(__always)
    mutating func append(word: UInt64) {
        unsafe advance(by: 8).storeBytes(of: word.littleEndian, as: UInt64.self)
    }

    /// Appends the `length` lowest bytes of `word`, the lowest first; there must be room for all eight.
    @inline(__always)
    mutating func append(word: UInt64, length: Int) {
        assert(capacity - count >= 8, "a short word is stored whole")
        unsafe advance(by: length).storeBytes(of: word.littleEndian, as: UInt64.self)
    }

    /// Where the next `length` bytes go.
    @inline(__always)
    private mutating func advance(by length: Int) -> UnsafeMutableRawPointer {
        assert(capacity - count >= length, "an event is longer than the room reserved for it")
        let end = unsafe base + count
        count &+= length
        return unsafe end
    }

    @inline(never)
    private mutating func grow(by bytes: Int) {
        let larger = max(capacity * 2, count + bytes)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        unsafe moved.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = larger
    }
}
