import Sketches

/// Finds the texts of a dictionary, so that each is in it once. Lives as long as a load.
///
/// Open addressing with linear probing; texts are compared in full.
struct TextIndex: ~Copyable {
    private static let free = UInt32.max

    let dictionary: TextDictionary
    private var slots: AccountedBlock
    private var mask: Int
    private var count: Int
    private let gauge: MemoryGauge

    /// An index of all texts that are in `dictionary`, with room for some more.
    init(_ dictionary: TextDictionary, expecting more: Int, _ gauge: MemoryGauge) {
        self.dictionary = dictionary
        self.gauge = gauge
        var capacity = 64
        while capacity * 4 < (dictionary.count + more) * 5 { capacity *= 2 }
        mask = capacity - 1
        count = 0
        slots = Self.emptySlots(capacity, gauge)
        var codes: [UInt32] = []
        codes.reserveCapacity(dictionary.count)
        dictionary.forEach { codes.append($0) }
        for code in codes { insert(code) }
    }

    /// The code of a text, which is added if it is new.
    /// - Throws: when there is no room for it.
    mutating func code(of text: UnsafeRawBufferPointer) throws(LookupError) -> UInt32 {
        if (count + 1) * 5 > (mask + 1) * 4 { grow() }
        var slot = unsafe Int(truncatingIfNeeded: MurmurHash3.hash(text)) & mask
        while true {
            let code = self[slot]
            if code == Self.free { break }
            let found = unsafe dictionary.text(code)
            if unsafe Bytes.areEqual(found, text) { return code }
            slot = (slot + 1) & mask
        }
        let code = unsafe try dictionary.append(text)
        unsafe slots.base.storeBytes(of: code, toByteOffset: slot * 4, as: UInt32.self)
        count += 1
        return code
    }

    private subscript(_ slot: Int) -> UInt32 {
        unsafe slots.base.load(fromByteOffset: slot * 4, as: UInt32.self)
    }

    private mutating func insert(_ code: UInt32) {
        var slot = unsafe Int(truncatingIfNeeded: MurmurHash3.hash(dictionary.text(code))) & mask
        while self[slot] != Self.free { slot = (slot + 1) & mask }
        unsafe slots.base.storeBytes(of: code, toByteOffset: slot * 4, as: UInt32.self)
        count += 1
    }

    private mutating func grow() {
        let codes = (0...mask).map { self[$0] }.filter { $0 != Self.free }
        slots = Self.emptySlots((mask + 1) * 2, gauge)
        mask = mask * 2 + 1
        count = 0
        for code in codes { insert(code) }
    }

    private static func emptySlots(_ capacity: Int, _ gauge: MemoryGauge) -> AccountedBlock {
        let block = AccountedBlock(byteCount: capacity * 4, gauge)
        unsafe block.base.initializeMemory(as: UInt8.self, repeating: 0xff, count: capacity * 4)
        return block
    }
}
