/// A message's place in its batch and in its partition.
public struct BatchMessage: Sendable {
    /// Bytes from the start of the batch's buffer.
    public var start: UInt32
    /// Length in bytes.
    public var length: UInt32
    /// Offset in the partition; for files, the byte position of the message's first byte.
    public var offset: Int64
    /// Milliseconds since 1970, or nil when the source has no timestamps.
    public var timestamp: Int64?

    /// Creates a message.
    @inlinable
    public init(start: UInt32, length: UInt32, offset: Int64, timestamp: Int64?) {
        self.start = start
        self.length = length
        self.offset = offset
        self.timestamp = timestamp
    }
}

/// The messages of a batch, in order.
@safe public struct BatchMessages: RandomAccessCollection {
    private let base: UnsafePointer<BatchMessage>
    /// How many.
    public let count: Int

    fileprivate init(base: UnsafePointer<BatchMessage>, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// 0.
    public var startIndex: Int { 0 }
    /// `count`.
    public var endIndex: Int { count }

    /// One message.
    public subscript(index: Int) -> BatchMessage {
        precondition(index >= 0 && index < count, "no such message in the batch")
        return unsafe base[index]
    }
}

/// Where a batch keeps its messages: a plain block, since an `Array` in a class checks for exclusive access and unique
/// reference at every message (3 % of T1 from a log). Owned by the batch, which ends it with `deallocate`.
@safe struct MessageList {
    private var base: UnsafeMutablePointer<BatchMessage>
    private var count = 0
    private var capacity = 16

    init() { unsafe base = .allocate(capacity: capacity) }

    func deallocate() { unsafe base.deallocate() }

    var memoryBytes: Int { capacity * MemoryLayout<BatchMessage>.stride }

    var view: BatchMessages { unsafe BatchMessages(base: base, count: count) }

    @inline(__always)
    mutating func append(_ message: BatchMessage) {
        if count == capacity { grow() }
        unsafe base[count] = message
        count &+= 1
    }

    mutating func removeAll() { count = 0 }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<BatchMessage>.allocate(capacity: capacity * 2)
        unsafe larger.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity *= 2
    }
}
