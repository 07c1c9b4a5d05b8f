/// A bucket by its key, and the number of values in it.
struct Bucket: Equatable, Sendable, BitwiseCopyable {
    var key: Int32
    var count: UInt64
}

/// Non-empty buckets in ascending order of their values, in storage that is kept when the list is reused.
///
/// The storage is an array of which the first `count` elements are in use: whole runs are written through one pointer,
/// without a check for unique reference and capacity at every bucket.
struct BucketList: Sendable {
    private var storage: [Bucket] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: Bucket? { count == 0 ? nil : storage[0] }
    var last: Bucket? { count == 0 ? nil : storage[count - 1] }

    subscript(position: Int) -> Bucket {
        precondition(position < count, "no such bucket")
        return storage[position]
    }

    /// Buckets that fall under the cap: all but the zero bucket.
    var signedCount: Int {
        let zero = position(of: QuantileKey.zero)
        return count - (zero < count && storage[zero].key == QuantileKey.zero ? 1 : 0)
    }

    mutating func removeAll() { count = 0 }

    /// Adds a bucket above all others, or to the last one if it is the same.
    @inline(__always)
    mutating func append(_ key: Int32, _ more: UInt64) {
        if count > 0, storage[count - 1].key == key {
            storage[count - 1].count += more
            return
        }
        if count < storage.count {
            storage[count] = Bucket(key: key, count: more)
        } else {
            storage.append(Bucket(key: key, count: more))
        }
        count += 1
    }

    mutating func add(_ key: Int32, _ more: UInt64) {
        let position = position(of: key)
        if position < count, storage[position].key == key {
            storage[position].count += more
            return
        }
        unsafe write(count + 1) { buckets, held in
            unsafe (buckets + position + 1).update(from: buckets + position, count: held - position)
            unsafe buckets[position] = Bucket(key: key, count: more)
            return held + 1
        }
    }

    /// Lends room for at least `capacity` buckets, the present ones at its beginning, and their number; the closure returns
    /// how many there are afterwards.
    @inline(__always)
    mutating func write(_ capacity: Int, _ body: (UnsafeMutablePointer<Bucket>, _ held: Int) -> Int) {
        if storage.count < capacity {
            storage.append(contentsOf: repeatElement(Bucket(key: 0, count: 0), count: capacity * 3 / 2 - storage.count))
        }
        let held = count
        count = unsafe storage.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe body(base, held)
        }
    }

    /// Lends the buckets.
    @inline(__always)
    func read<Result>(_ body: (UnsafeBufferPointer<Bucket>) -> Result) -> Result {
        unsafe storage.withUnsafeBufferPointer { unsafe body(UnsafeBufferPointer(rebasing: $0[..<count])) }
    }

    /// Halves the grid `halvings` times; equal neighbours merge in place.
    mutating func coarsen(by halvings: Int) {
        if halvings == 0 { return }
        unsafe write(count) { buckets, held in
            var kept = 0
            for position in 0..<held {
                let bucket = unsafe buckets[position]
                let key = QuantileKey.coarsened(bucket.key, by: halvings)
                if kept > 0, unsafe buckets[kept - 1].key == key {
                    unsafe buckets[kept - 1].count += bucket.count
                } else {
                    unsafe buckets[kept] = Bucket(key: key, count: bucket.count)
                    kept += 1
                }
            }
            return kept
        }
    }

    /// Replaces the contents with the union of two lists on the same grid.
    mutating func setUnion(_ one: borrowing BucketList, _ other: borrowing BucketList) {
        let room = one.count + other.count
        unsafe one.read { left in
            unsafe other.read { right in
                unsafe write(room) { target, _ in unsafe Self.unite(left, right, into: target) }
            }
        }
    }

    private static func unite(
        _ left: UnsafeBufferPointer<Bucket>, _ right: UnsafeBufferPointer<Bucket>,
        into target: UnsafeMutablePointer<Bucket>
    ) -> Int {
        var (i, j, written) = (0, 0, 0)
        while i < left.count && j < right.count {
            let (one, other) = unsafe (left[i], right[j])
            let isLeft = one.key <= other.key
            let isRight = other.key <= one.key
            unsafe target[written] = Bucket(
                key: isLeft ? one.key : other.key, count: (isLeft ? one.count : 0) + (isRight ? other.count : 0))
            i += isLeft ? 1 : 0
            j += isRight ? 1 : 0
            written += 1
        }
        while i < left.count {
            unsafe target[written] = left[i]
            (i, written) = (i + 1, written + 1)
        }
        while j < right.count {
            unsafe target[written] = right[j]
            (j, written) = (j + 1, written + 1)
        }
        return written
    }

    /// The first position whose key is not below `key`.
    private func position(of key: Int32) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if storage[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension BucketList: Equatable {
    static func == (left: BucketList, right: BucketList) -> Bool {
        unsafe left.read { left in unsafe right.read { right in unsafe left.elementsEqual(right) } }
    }
}
