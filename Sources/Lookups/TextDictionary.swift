import Sketches

/// The distinct texts of a table's repeating columns. It only grows, and no text ever moves: readers follow codes into it
/// while a load adds to it.
///
/// A code is where a text lies: the number of its chunk and its place there. An entry is its length and its bytes.
///
///     code   | chunk, 14 bits | offset, 18 bits |
///     entry  | length u16 | UTF-8 |
///
/// `@unchecked Sendable`: one load at a time adds; readers only see codes of shards that were published, under a lock,
/// after their texts were written.
@safe final class TextDictionary: @unchecked Sendable {
    static let chunkBits = 18
    private static let chunkBytes = 1 << chunkBits
    private static let chunksMax = 1 << (32 - chunkBits)

    private let chunks: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var chunkCount = 0
    /// The end of the last chunk's entries.
    private var end = TextDictionary.chunkBytes
    /// The ends of the chunks before it.
    private var ends: [Int] = []
    /// Bytes of the entries.
    private(set) var textBytes = 0
    /// Entries.
    private(set) var count = 0
    private var drawn = 0
    private let gauge: MemoryGauge

    init(_ gauge: MemoryGauge) {
        self.gauge = gauge
        unsafe chunks = TableMemory.allocate(UnsafeMutableRawPointer.self, Self.chunksMax)
    }

    deinit {
        for chunk in 0..<chunkCount { unsafe TableMemory.deallocate(chunks[chunk], Self.chunkBytes) }
        unsafe TableMemory.deallocate(chunks, count: Self.chunksMax)
        gauge.draw(-drawn)
    }

    /// The text of a code.
    @inline(__always)
    func text(_ code: UInt32) -> UnsafeRawBufferPointer {
        let entry = unsafe chunks[Int(code >> UInt32(Self.chunkBits))] + Int(code & UInt32(Self.chunkBytes - 1))
        let length = unsafe entry.loadUnaligned(as: UInt16.self)
        return unsafe UnsafeRawBufferPointer(start: entry + 2, count: Int(length))
    }

    /// Adds a text, which is not looked for.
    /// - Throws: when there is no room for it.
    func append(_ text: UnsafeRawBufferPointer) throws(LookupError) -> UInt32 {
        let size = text.count + 2
        if end + size > Self.chunkBytes {
            guard chunkCount < Self.chunksMax else {
                throw LookupError(.tooLarge, "distinct texts take more than 4 GiB; add fewer fields")
            }
            if chunkCount > 0 { ends.append(end) }
            unsafe chunks[chunkCount] = TableMemory.allocate(Self.chunkBytes)
            chunkCount += 1
            end = 0
        }
        let entry = unsafe chunks[chunkCount - 1] + end
        unsafe entry.storeBytes(of: UInt16(text.count), as: UInt16.self)
        if let start = text.baseAddress { unsafe (entry + 2).copyMemory(from: start, byteCount: text.count) }
        let code = UInt32((chunkCount - 1) << Self.chunkBits | end)
        end += size
        textBytes += size
        count += 1
        account()
        return code
    }

    /// Calls `body` with the code of every text.
    func forEach(_ body: (UInt32) -> Void) {
        for chunk in 0..<chunkCount {
            var offset = 0
            while offset < (chunk == chunkCount - 1 ? end : ends[chunk]) {
                let code = UInt32(chunk << Self.chunkBits | offset)
                body(code)
                offset += unsafe text(code).count + 2
            }
        }
    }

    /// Chunks come from the system page by page, as they are filled.
    private func account() {
        let bytes = chunkCount == 0 ? 0 : (chunkCount - 1) * Self.chunkBytes + (end + 4_095) & ~4_095
        let all = bytes + (chunkCount * 8 + 4_095) & ~4_095
        guard all != drawn else { return }
        gauge.draw(all - drawn)
        drawn = all
    }
}
