import Glibc
import Sketches

/// The distinct texts of a table's repeating columns. It only grows, and no text ever moves: readers follow codes into it
/// while a load adds to it.
///
/// All texts lie behind one address, so that a batch's column is a base and 32-bit offsets. For this, address space is
/// reserved when the first text comes, 4 GiB where the system gives as much; memory is what has been written to.
///
///     code   | where the entry begins, u32 |
///     entry  | length u16 | UTF-8 |
///
/// `@unchecked Sendable`: one load at a time adds; readers only see codes of shards that were published, under a lock,
/// after their texts were written.
@safe final class TextDictionary: @unchecked Sendable {
    private static let reservations = [1 << 32, 1 << 30, 1 << 28, 1 << 26]

    private(set) var base: UnsafeMutableRawPointer?
    private var reserved = 0
    /// Bytes of the entries.
    private(set) var textBytes = 0
    /// Entries.
    private(set) var count = 0
    private var drawn = 0
    private let gauge: MemoryGauge

    init(_ gauge: MemoryGauge) { self.gauge = gauge }

    deinit {
        if let base = unsafe base { unsafe munmap(base, reserved) }
        gauge.draw(-drawn)
    }

    /// Where the text of a code is in the dictionary at `base`, and its bytes.
    @inline(__always)
    static func place(of code: UInt32, in base: UnsafeRawPointer) -> (offset: UInt32, length: UInt32) {
        unsafe (code &+ 2, UInt32((base + Int(code)).loadUnaligned(as: UInt16.self)))
    }

    /// The text of a code.
    @inline(__always)
    func text(_ code: UInt32) -> UnsafeRawBufferPointer {
        let entry = unsafe base! + Int(code)
        return unsafe UnsafeRawBufferPointer(start: entry + 2, count: Int(entry.loadUnaligned(as: UInt16.self)))
    }

    /// Adds a text, which is not looked for.
    /// - Throws: when there is no room for it.
    func append(_ text: UnsafeRawBufferPointer) throws(LookupError) -> UInt32 {
        let size = text.count + 2
        if unsafe base == nil { reserve() }
        guard let base = unsafe base, textBytes + size <= reserved else {
            throw LookupError(
                .tooLarge,
                "distinct texts take more than the \(reserved >> 20) MiB of address space that there are for them; add fewer "
                    + "fields, or raise the limit on address space (ulimit -v)")
        }
        let entry = unsafe base + textBytes
        unsafe entry.storeBytes(of: UInt16(text.count), as: UInt16.self)
        if let start = text.baseAddress { unsafe (entry + 2).copyMemory(from: start, byteCount: text.count) }
        let code = UInt32(textBytes)
        textBytes += size
        count += 1
        // Memory comes from the system page by page.
        let pages = (textBytes + 4_095) & ~4_095
        gauge.draw(pages - drawn)
        drawn = pages
        return code
    }

    /// Calls `body` with the code of every text.
    func forEach(_ body: (UInt32) -> Void) {
        var offset = 0
        while offset < textBytes {
            body(UInt32(offset))
            offset += unsafe text(UInt32(offset)).count + 2
        }
    }

    private func reserve() {
        for size in Self.reservations {
            let place = unsafe mmap(
                nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            if unsafe place != MAP_FAILED {
                unsafe base = place
                reserved = size
                return
            }
        }
    }
}
