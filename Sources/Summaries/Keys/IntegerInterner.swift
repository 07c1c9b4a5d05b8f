import Sketches

/// 64-bit values (windows, integer keys) to dense 32-bit ids, 1 and up; 0 stands for null.
@safe
struct IntegerInterner: ~Copyable {
    private var slots: UnsafeMutablePointer<UInt32>
    private var mask: Int
    private var keys = StateColumn<Int64>(initial: 0)
    private var lastValue: Int64 = 0
    private var lastID: UInt32 = 0

    init() {
        mask = 63
        unsafe slots = TableMemory.allocate(UInt32.self, 64)
        unsafe slots.initialize(repeating: 0, count: 64)
        keys.append(0)
    }

    deinit { unsafe TableMemory.deallocate(slots, count: mask + 1) }

    /// The number of ids given, null's 0 included.
    var idCount: Int { keys.count }

    /// Bytes allocated.
    var memoryBytes: Int { (mask + 1) * 4 + keys.memoryBytes }

    /// The value behind an id.
    func value(_ id: UInt32) -> Int64 { unsafe keys.values[Int(id)] }

    /// The id of `value`. Remembers the last one: event time hardly ever leaves its window.
    @inline(__always)
    mutating func intern(_ value: Int64) -> UInt32 {
        if value == lastValue, lastID != 0 { return lastID }
        return find(value)
    }

    private mutating func find(_ value: Int64) -> UInt32 {
        var index = Self.hash(value) & mask
        while true {
            let id = unsafe slots[index]
            if id == 0 { break }
            if unsafe keys.values[Int(id)] == value {
                lastValue = value
                lastID = id
                return id
            }
            index = (index + 1) & mask
        }
        let id = UInt32(keys.count)
        keys.append(value)
        unsafe slots[index] = id
        if keys.count * 5 > (mask + 1) * 3 { rehash() }
        lastValue = value
        lastID = id
        return id
    }

    private mutating func rehash() {
        unsafe TableMemory.deallocate(slots, count: mask + 1)
        let count = (mask + 1) * 2
        mask = count - 1
        unsafe slots = TableMemory.allocate(UInt32.self, count)
        unsafe slots.initialize(repeating: 0, count: count)
        for id in 1..<keys.count {
            var index = unsafe Self.hash(keys.values[id]) & mask
            while unsafe slots[index] != 0 { index = (index + 1) & mask }
            unsafe slots[index] = UInt32(id)
        }
    }

    private static func hash(_ value: Int64) -> Int {
        Int(truncatingIfNeeded: TextInterner.mix(UInt64(bitPattern: value), 0x9e37_79b9_7f4a_7c15))
    }
}
