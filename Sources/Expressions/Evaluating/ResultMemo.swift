/// The results of a costly function for texts seen before, from batch to batch: pages, hosts and agents come again and again.
///
/// A table of entries that grows up to a limit. When it is full, all of it is forgotten before the next batch, and what
/// comes often is soon there again; where less than half of the texts had been seen before, nothing is kept for some batches.
@safe final class ResultMemo {
    /// One text, by its hash and its bytes, and the result.
    private struct Entry {
        var hash: UInt64
        var start: UInt32
        var length: UInt32
        var result: Result
        /// The batch in which `row` holds.
        var batch: UInt32
        /// The row of this batch that has the result, or is to get it.
        var row: UInt32
        var state: State
    }

    /// A value of 8 bytes or fewer; of a text, where it begins and its bytes: in the argument, or here.
    typealias Result = UInt64

    private enum State: UInt8 {
        /// The function has yet to run.
        case open
        case value
        case null
    }

    /// What is known of a text.
    enum Answer {
        /// A row of this batch has the same text; where it is a new one, it has no result yet.
        case row(Int, isNew: Bool)
        case value(Result, entry: Int)
        case null
        /// Nothing; the row is the first with this text, which was noted unless `entry` is nil.
        case unknown(entry: Int?)
    }

    /// Entries that one starts with.
    private static let entriesMin = 512
    /// Entries looked at for one text: hashes that someone has made to collide cost no more.
    private static let probesMax = 16
    /// Batches without a memo after one that did not pay.
    private static let pause = 256

    private let bytesMax: Int
    private var entries: UnsafeMutablePointer<Entry>
    private var capacity = 0
    private var count = 0
    /// The number of an entry and 1, 0 where there is none; twice as many as entries.
    private var slots: UnsafeMutablePointer<UInt32>
    private var texts: UnsafeMutableRawPointer
    private var textCapacity = 0
    private var textCount = 0

    private var batch: UInt32 = 0
    private var pausing = 0
    private var isFull = false
    private var asked = 0
    private var found = 0
    /// Whether texts among the results are parts of the argument; known once the function has run.
    var sharesText = false

    /// - Parameter bytesMax: what it may hold, in bytes.
    init(bytesMax: Int) {
        self.bytesMax = bytesMax
        unsafe entries = .allocate(capacity: 0)
        unsafe slots = .allocate(capacity: 0)
        unsafe texts = .allocate(byteCount: 0, alignment: 16)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe slots.deallocate()
        unsafe texts.deallocate()
    }

    /// Bytes held.
    private(set) var bytes = 0

    /// Begins a batch; false when it is not worth it.
    func begin() -> Bool {
        if pausing > 0 {
            pausing -= 1
            return false
        }
        batch &+= 1
        if isFull || batch == 0 {
            if found * 2 < asked { pausing = Self.pause }
            forget()
        }
        if capacity == 0, !grow() { return false }
        return pausing == 0
    }

    private func forget() {
        unsafe slots.update(repeating: 0, count: capacity * 2)
        (count, textCount, asked, found, batch) = (0, 0, 0, 0, 1)
        isFull = false
    }

    /// What is known of a text that stands in `row`. A new text is noted: `close` is to give its result.
    @inline(__always)
    func look(up text: TextView, row: Int) -> Answer {
        asked &+= 1
        let hash = text.hash
        var slot = Int(truncatingIfNeeded: hash) & (capacity * 2 - 1)
        for _ in 0..<Self.probesMax {
            let number = unsafe Int(slots[slot])
            guard number > 0 else { return .unknown(entry: add(text, hash, row, at: slot)) }
            let entry = unsafe entries + (number - 1)
            if unsafe entry.pointee.hash == hash, unsafe Int(entry.pointee.length) == text.count,
                unsafe equalBytes(texts + Int(entry.pointee.start), text.start, text.count)
            {
                return answer(number - 1, row)
            }
            slot = (slot + 1) & (capacity * 2 - 1)
        }
        return .unknown(entry: nil)
    }

    @inline(__always)
    private func answer(_ number: Int, _ row: Int) -> Answer {
        let entry = unsafe entries + number
        switch unsafe entry.pointee.state {
        case .null:
            found &+= 1
            return .null
        case .value where unsafe entry.pointee.batch != batch || sharesText:
            found &+= 1
            return unsafe .value(entry.pointee.result, entry: number)
        case .value:
            found &+= 1
            return unsafe .row(Int(entry.pointee.row), isNew: false)
        case .open where unsafe entry.pointee.batch == batch:
            found &+= 1
            return unsafe .row(Int(entry.pointee.row), isNew: true)
        case .open:
            // Its result found no room.
            unsafe entry.pointee.batch = batch
            unsafe entry.pointee.row = UInt32(truncatingIfNeeded: row)
            return .unknown(entry: number)
        }
    }

    /// - Returns: nil when there is no room.
    private func add(_ text: TextView, _ hash: UInt64, _ row: Int, at slot: Int) -> Int? {
        guard count < capacity, let start = keep(text) else {
            if !isFull, grow() { return noteGrown(text, hash, row) }
            isFull = true
            return nil
        }
        unsafe (entries + count).initialize(
            to: Entry(
                hash: hash, start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: text.count),
                result: 0, batch: batch, row: UInt32(truncatingIfNeeded: row), state: .open))
        count += 1
        unsafe slots[slot] = UInt32(truncatingIfNeeded: count)
        return count - 1
    }

    /// Adds a text once more, after the table has grown.
    private func noteGrown(_ text: TextView, _ hash: UInt64, _ row: Int) -> Int? {
        guard let slot = freeSlot(hash) else { return nil }
        return add(text, hash, row, at: slot)
    }

    private func freeSlot(_ hash: UInt64) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & (capacity * 2 - 1)
        for _ in 0..<Self.probesMax {
            if unsafe slots[slot] == 0 { return slot }
            slot = (slot + 1) & (capacity * 2 - 1)
        }
        return nil
    }

    /// Where the bytes stand from now on; nil when there is no room.
    private func keep(_ text: TextView) -> Int? {
        guard textCount + text.count <= textCapacity else { return nil }
        unsafe (texts + textCount).copyMemory(from: text.start, byteCount: text.count)
        textCount += text.count
        return textCount - text.count
    }

    /// Doubles the room for entries and their texts; false when that is more than it may hold.
    private func grow() -> Bool {
        let wanted = max(Self.entriesMin, capacity * 2)
        // Some texts are long: their room grows by itself when the entries have some left.
        let more = capacity > 0 && count < capacity ? capacity : wanted
        let textBytes = max(wanted * 64, textCapacity * 2)
        let size = more * MemoryLayout<Entry>.stride + more * 2 * MemoryLayout<UInt32>.stride + textBytes
        guard size <= bytesMax else { return false }
        let newTexts = UnsafeMutableRawPointer.allocate(byteCount: textBytes, alignment: 16)
        unsafe newTexts.copyMemory(from: texts, byteCount: textCount)
        unsafe texts.deallocate()
        unsafe texts = newTexts
        textCapacity = textBytes
        if more > capacity { growEntries(to: more) }
        bytes = size
        return true
    }

    private func growEntries(to wanted: Int) {
        let newEntries = UnsafeMutablePointer<Entry>.allocate(capacity: wanted)
        unsafe newEntries.update(from: entries, count: count)
        unsafe entries.deallocate()
        unsafe entries = newEntries
        unsafe slots.deallocate()
        unsafe slots = .allocate(capacity: wanted * 2)
        unsafe slots.initialize(repeating: 0, count: wanted * 2)
        capacity = wanted
        for number in 0..<count {
            // One that finds no slot near its place is lost: it will be noted again.
            if let slot = unsafe freeSlot(entries[number].hash) {
                unsafe slots[slot] = UInt32(truncatingIfNeeded: number + 1)
            }
        }
    }
}

/// Results.
extension ResultMemo {
    /// Notes the result of a text.
    func close(_ entry: Int, value: Result) {
        unsafe entries[entry].result = value
        unsafe entries[entry].state = .value
    }

    /// Notes that the function makes a null of a text.
    func closeNull(_ entry: Int) {
        unsafe entries[entry].state = .null
    }

    /// Notes a text that the function has written; one that finds no room is computed again.
    func close(_ entry: Int, text: TextView) {
        guard let start = keep(text) ?? (!isFull && grow() ? keep(text) : nil) else {
            isFull = true
            return
        }
        close(entry, value: UInt64(start) << 32 | UInt64(text.count))
    }

    /// A text that a function has written, by its result.
    func text(_ result: Result) -> TextView {
        unsafe TextView(start: texts + Int(result >> 32), count: Int(result & 0xFFFF_FFFF))
    }

    /// A row of this batch has the result of an entry: those behind it take it from there.
    func note(_ entry: Int, row: Int) {
        unsafe entries[entry].batch = batch
        unsafe entries[entry].row = UInt32(truncatingIfNeeded: row)
    }
}
