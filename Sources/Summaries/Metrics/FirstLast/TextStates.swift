/// One text per group, each in one block that all share. A text that no longer fits its place gets a larger one; the
/// places that are left behind are given up when they are half of the block.
struct TextStates: ~Copyable {
    private struct Place: BitwiseCopyable {
        var start: UInt32 = 0
        var length: UInt32 = 0
        var room: UInt32 = 0
    }

    private var places = StateColumn<Place>(initial: Place())
    private var bytes = StateColumn<UInt8>(initial: 0)
    private var lost = 0

    /// Blocks smaller than this are left as they are.
    private static let compactionBytes = 1 << 16

    /// Makes room for `groups` groups; new ones have the empty text.
    mutating func grow(to groups: Int) { places.grow(to: groups) }

    /// Bytes allocated.
    var memoryBytes: Int { places.memoryBytes + bytes.memoryBytes }

    /// Replaces a group's text.
    mutating func set(_ group: Int, _ text: UnsafeRawBufferPointer) {
        var place = unsafe places.values[group]
        if text.count > Int(place.room) {
            lost += Int(place.room)
            // Texts of one field are often about as long as one another: a little more, and the next one fits.
            let room = (text.count + text.count / 4 + 7) & ~7
            precondition(bytes.count + room <= Int(UInt32.max), "the texts of one epoch exceed 4 GiB")
            place = Place(start: UInt32(bytes.count), length: 0, room: UInt32(room))
            bytes.grow(to: bytes.count + room)
        }
        place.length = UInt32(text.count)
        if let source = text.baseAddress {
            unsafe UnsafeMutableRawPointer(bytes.values + Int(place.start)).copyMemory(
                from: source, byteCount: text.count)
        }
        unsafe places.values[group] = place
        if lost > Self.compactionBytes, lost * 2 > bytes.count { compact() }
    }

    /// Lends a group's text.
    func withText<Result>(_ group: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let place = unsafe places.values[group]
        return unsafe body(UnsafeRawBufferPointer(start: bytes.values + Int(place.start), count: Int(place.length)))
    }

    private mutating func compact() {
        var kept = StateColumn<UInt8>(initial: 0, capacity: max(64, bytes.count - lost))
        for group in 0..<places.count {
            let place = unsafe places.values[group]
            let start = kept.count
            kept.grow(to: start + Int(place.room))
            unsafe (kept.values + start).update(from: bytes.values + Int(place.start), count: Int(place.length))
            unsafe places.values[group].start = UInt32(start)
        }
        bytes = kept
        lost = 0
    }
}
