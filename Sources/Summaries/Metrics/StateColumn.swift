import Sketches

/// A growable array of plain values with no copy-on-write check and no reference count: one state per group.
@safe
struct StateColumn<Value: BitwiseCopyable>: ~Copyable {
    private(set) var values: UnsafeMutablePointer<Value>
    private(set) var count = 0
    private var capacity: Int
    private let initial: Value

    /// An empty column whose new values are `initial`.
    init(initial: Value, capacity: Int = 64) {
        self.initial = initial
        self.capacity = capacity
        unsafe values = Self.block(capacity)
    }

    deinit { unsafe TableMemory.deallocate(values, count: capacity) }

    /// Bytes allocated.
    var memoryBytes: Int { capacity * MemoryLayout<Value>.stride }

    /// Adds initial values until there are `newCount`; amortised O(1) each.
    mutating func grow(to newCount: Int) {
        guard newCount > count else { return }
        if newCount > capacity { reserve(max(newCount, capacity + capacity / 2)) }
        unsafe (values + count).initialize(repeating: initial, count: newCount - count)
        count = newCount
    }

    /// Adds one value.
    @inline(__always)
    mutating func append(_ value: Value) {
        if count == capacity { reserve(capacity * 2) }
        unsafe values[count] = value
        count += 1
    }

    /// Large blocks grow in place or by moving page tables: a column never exists twice while it grows.
    private mutating func reserve(_ newCapacity: Int) {
        let block = unsafe TableMemory.resize(values, from: memoryBytes, to: newCapacity * MemoryLayout<Value>.stride)
        unsafe values = block.assumingMemoryBound(to: Value.self)
        capacity = newCapacity
    }

    private static func block(_ capacity: Int) -> UnsafeMutablePointer<Value> {
        precondition(MemoryLayout<Value>.alignment <= 16, "blocks are aligned to 16 bytes")
        return unsafe TableMemory.allocate(Value.self, capacity)
    }

    /// Makes room for `newCount` values whose contents are undefined: scratch space.
    mutating func resizeUninitialized(to newCount: Int) {
        if newCount > capacity {
            unsafe TableMemory.deallocate(values, count: capacity)
            capacity = newCount + newCount / 4
            unsafe values = Self.block(capacity)
        }
        count = newCount
    }
}
