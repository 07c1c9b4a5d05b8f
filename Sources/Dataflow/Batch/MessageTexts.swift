/// Texts that come with the messages of a batch and are not in their payloads, such as keys: the same number for each
/// message, one after the other. Takes no memory until there is one. Owned by the batch, which ends it with `deallocate`.
@safe struct MessageTexts {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var byteCount = 0
    /// By message, then by number; no text is a length of `UInt32.max`.
    private var slices: [TextSlice] = []

    func deallocate() { unsafe base?.deallocate() }

    var memoryBytes: Int { capacity + slices.capacity * MemoryLayout<TextSlice>.stride }

    mutating func append(_ text: UnsafeRawBufferPointer?) {
        guard let text = unsafe text else {
            slices.append(TextSlice(offset: 0, length: .max))
            return
        }
        let count = text.count
        if byteCount + count > capacity { grow(to: byteCount + count) }
        if let start = text.baseAddress, let base = unsafe base {
            unsafe (base + byteCount).copyMemory(from: start, byteCount: count)
        }
        slices.append(TextSlice(offset: UInt32(byteCount), length: UInt32(count)))
        byteCount += count
    }

    /// Nil also when the source kept no texts at all, as the sample that `millrace try` reads.
    subscript(index: Int) -> TextSlice? {
        guard index < slices.count, slices[index].length != .max else { return nil }
        return slices[index]
    }

    func copy(to place: UnsafeMutableRawPointer) {
        if let base = unsafe base { unsafe place.copyMemory(from: base, byteCount: byteCount) }
    }

    mutating func removeAll() {
        guard !slices.isEmpty else { return }
        byteCount = 0
        slices.removeAll(keepingCapacity: true)
    }

    private mutating func grow(to bytes: Int) {
        let larger = max(4_096, 2 * capacity, bytes)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        if let base = unsafe base {
            unsafe moved.copyMemory(from: base, byteCount: byteCount)
            unsafe base.deallocate()
        }
        unsafe base = moved
        capacity = larger
    }
}

extension Batch {
    /// Adds the next text of the message that was appended last; nil if the message has none. Every message of a batch gets
    /// the same number of texts.
    public func appendMessageText(_ text: UnsafeRawBufferPointer?) {
        unsafe texts.append(text)
    }

    /// Bytes of the texts beside the messages.
    public var messageTextBytes: Int { texts.byteCount }

    /// A text of a message, as bytes of all of them; nil if the message has none.
    /// - Parameters:
    ///   - text: its number among the texts of each message.
    ///   - count: how many texts each message has.
    public func messageText(_ text: Int, of message: Int, each count: Int) -> TextSlice? {
        texts[message * count + text]
    }

    /// Makes room behind the payload for the parser's padding and unescaped text, and for the texts beside the messages.
    public func reserveMessageTexts() {
        let wanted = Self.allocation(forPayload: length) + texts.byteCount
        if capacity < wanted { move(toCapacity: wanted) }
    }

    /// Copies the texts beside the messages into the buffer at this place, which `reserveMessageTexts` has made room for.
    public func copyMessageTexts(to place: Int) {
        precondition(place + texts.byteCount <= capacity, "nobody reserved room for the texts of messages")
        unsafe texts.copy(to: base + place)
    }
}
