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
        unsafe values = .allocate(capacity: capacity)
    }

    deinit { unsafe values.deallocate() }

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

    private mutating func reserve(_ newCapacity: Int) {
        let moved = UnsafeMutablePointer<Value>.allocate(capacity: newCapacity)
        unsafe moved.moveInitialize(from: values, count: count)
        unsafe values.deallocate()
        unsafe values = moved
        capacity = newCapacity
    }

    /// Makes room for `newCount` values whose contents are undefined: scratch space.
    mutating func resizeUninitialized(to newCount: Int) {
        if newCount > capacity {
            unsafe values.deallocate()
            capacity = newCount + newCount / 4
            unsafe values = .allocate(capacity: capacity)
        }
        count = newCount
    }
}
