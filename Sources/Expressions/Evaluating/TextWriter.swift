/// Writes the texts that a function makes, one behind the other, into a buffer that grows.
@safe struct TextWriter {
    private(set) var buffer: ScratchPool.Bytes
    private(set) var count = 0
    private var mark = 0
    /// Bytes by which the buffer grew, for the account of the pool.
    private(set) var growth = 0
    private var isOverfull = false

    init(_ buffer: ScratchPool.Bytes) {
        self.buffer = buffer
    }

    /// Begins the next text.
    mutating func begin() {
        mark = count
        isOverfull = false
    }

    /// Bytes of the present text so far.
    var written: Int { count - mark }

    /// Drops what the present text has from `length` on.
    mutating func truncate(to length: Int) { count = mark + length }

    /// Ends the text; nil, and nothing written, when it is too long.
    mutating func end() -> (start: Int, count: Int)? {
        guard !isOverfull else {
            drop()
            return nil
        }
        return (mark, count - mark)
    }

    /// Takes back the present text.
    mutating func drop() { count = mark }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        guard reserve(1) else { return }
        unsafe buffer.start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    mutating func append(_ text: TextView) {
        guard reserve(text.count) else { return }
        unsafe (buffer.start + count).copyMemory(from: text.start, byteCount: text.count)
        count += text.count
    }

    /// Appends a text that is not the writer's own, byte by byte changed.
    @inline(__always)
    mutating func append(_ text: TextView, changing change: (UInt8) -> UInt8) {
        guard reserve(text.count) else { return }
        let target = unsafe (buffer.start + count).assumingMemoryBound(to: UInt8.self)
        for index in 0..<text.count { unsafe target[index] = change(text[index]) }
        count += text.count
    }

    mutating func append(_ bytes: [UInt8]) {
        for byte in bytes { append(byte) }
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { buffer in
            for index in 0..<buffer.count { append(unsafe buffer[index]) }
        }
    }

    /// Appends a code point; false when there is no such.
    mutating func append(point: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(point) else { return false }
        for byte in UTF8.encode(scalar)! { append(byte) }
        return true
    }

    /// Appends a whole number, with zeros in front up to `digits`.
    mutating func append(_ value: Int64, digits: Int = 1) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(value.magnitude, digits: digits)
    }

    mutating func append(_ value: UInt64, digits: Int = 1) {
        var divisor: UInt64 = 1
        var length = 1
        while length < 20, value / divisor >= 10 {
            divisor *= 10
            length += 1
        }
        for _ in 0..<max(0, digits - length) { append(UInt8(ascii: "0")) }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// The present text's byte at `index`.
    subscript(_ index: Int) -> UInt8 {
        get { unsafe buffer.start.load(fromByteOffset: mark + index, as: UInt8.self) }
        set { unsafe buffer.start.storeBytes(of: newValue, toByteOffset: mark + index, as: UInt8.self) }
    }

    /// Makes room; false when the text would be too long.
    @inline(__always)
    private mutating func reserve(_ bytes: Int) -> Bool {
        guard !isOverfull, count - mark + bytes <= ExpressionLimits.textBytesMax else {
            isOverfull = true
            return false
        }
        if count + bytes > buffer.capacity { grow(bytes) }
        return !isOverfull
    }

    private mutating func grow(_ bytes: Int) {
        // Slices count in 32 bits.
        guard count + bytes <= Int(UInt32.max) else {
            isOverfull = true
            return
        }
        let capacity = max(buffer.capacity * 2, count + bytes)
        let larger = unsafe ScratchPool.Bytes(
            start: .allocate(byteCount: capacity, alignment: 16), capacity: capacity)
        unsafe larger.start.copyMemory(from: buffer.start, byteCount: count)
        unsafe buffer.start.deallocate()
        growth += capacity - buffer.capacity
        buffer = larger
    }
}
