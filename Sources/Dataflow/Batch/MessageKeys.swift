/// The keys of a batch's messages, kept for their dead letters alone. Takes no memory until a message has one. Owned by the
/// batch, which ends it with `deallocate`.
///
/// Plain blocks, as `MessageList` is: this is done for every message.
@safe struct MessageKeys {
    private struct Entry: BitwiseCopyable {
        var message: UInt32
        var start: UInt32
        var length: UInt32
    }

    private var bytes: UnsafeMutableRawPointer?
    private var byteCapacity = 0
    private var byteCount = 0
    private var entries: UnsafeMutablePointer<Entry>?
    private var capacity = 0
    private var count = 0

    func deallocate() {
        unsafe bytes?.deallocate()
        unsafe entries?.deallocate()
    }

    var memoryBytes: Int { byteCapacity + capacity * MemoryLayout<Entry>.stride }

    @inline(__always)
    mutating func append(_ key: UnsafeRawBufferPointer, message: Int) {
        let length = min(key.count, Limits.messageKeyBytesMax)
        if byteCount + length > byteCapacity || count == capacity { grow(length) }
        guard let bytes = unsafe bytes, let entries = unsafe entries else { return }
        if let source = key.baseAddress { unsafe (bytes + byteCount).copyMemory(from: source, byteCount: length) }
        unsafe entries[count] = Entry(message: UInt32(message), start: UInt32(byteCount), length: UInt32(length))
        byteCount += length
        count += 1
    }

    /// The key of a message, nil when it has none.
    subscript(message: Int) -> [UInt8]? {
        guard let bytes = unsafe bytes, let entries = unsafe entries else { return nil }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if unsafe Int(entries[middle].message) < message { low = middle + 1 } else { high = middle }
        }
        guard low < count, unsafe Int(entries[low].message) == message else { return nil }
        let entry = unsafe entries[low]
        return unsafe [UInt8](UnsafeRawBufferPointer(start: bytes + Int(entry.start), count: Int(entry.length)))
    }

    mutating func removeAll() { (byteCount, count) = (0, 0) }

    @inline(never)
    private mutating func grow(_ length: Int) {
        // An empty key is one too.
        if byteCapacity == 0 || byteCount + length > byteCapacity {
            let larger = max(4_096, 2 * byteCapacity)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            if let bytes = unsafe bytes {
                unsafe moved.copyMemory(from: bytes, byteCount: byteCount)
                unsafe bytes.deallocate()
            }
            unsafe bytes = moved
            byteCapacity = larger
        }
        guard count == capacity else { return }
        let larger = max(64, 2 * capacity)
        let moved = UnsafeMutablePointer<Entry>.allocate(capacity: larger)
        if let entries = unsafe entries {
            unsafe moved.moveInitialize(from: entries, count: count)
            unsafe entries.deallocate()
        }
        unsafe entries = moved
        capacity = larger
    }
}

extension Batch {
    /// Keeps the key of the message that was appended last.
    @inline(__always)
    public func appendMessageKey(_ key: UnsafeRawBufferPointer) {
        unsafe keys.append(key, message: messages.count - 1)
    }

    /// The key of a message, cut at `Limits.messageKeyBytesMax`; nil when it has none.
    public func messageKey(_ message: Int) -> [UInt8]? { keys[message] }
}
