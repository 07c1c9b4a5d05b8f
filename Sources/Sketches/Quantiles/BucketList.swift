/// Non-empty buckets in ascending order of their values, as two parallel arrays that keep their storage when reused.
struct BucketList: Equatable, Sendable {
    private(set) var keys: [Int32] = []
    private(set) var counts: [UInt64] = []

    var isEmpty: Bool { keys.isEmpty }

    /// Buckets that fall under the cap: all but the zero bucket.
    var signedCount: Int {
        let zero = position(of: QuantileKey.zero)
        return keys.count - (zero < keys.count && keys[zero] == QuantileKey.zero ? 1 : 0)
    }

    mutating func removeAll() {
        keys.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }

    /// Adds a bucket above all others, or to the last one if it is the same.
    @inline(__always)
    mutating func append(_ key: Int32, _ count: UInt64) {
        if keys.last == key {
            counts[counts.count - 1] += count
        } else {
            keys.append(key)
            counts.append(count)
        }
    }

    mutating func add(_ key: Int32, _ count: UInt64) {
        let position = position(of: key)
        if position < keys.count && keys[position] == key {
            counts[position] += count
        } else {
            keys.insert(key, at: position)
            counts.insert(count, at: position)
        }
    }

    /// Halves the grid `halvings` times; equal neighbours merge in place.
    mutating func coarsen(by halvings: Int) {
        if halvings == 0 { return }
        var kept = 0
        for position in keys.indices {
            let key = QuantileKey.coarsened(keys[position], by: halvings)
            if kept > 0 && keys[kept - 1] == key {
                counts[kept - 1] += counts[position]
            } else {
                keys[kept] = key
                counts[kept] = counts[position]
                kept += 1
            }
        }
        keys.removeLast(keys.count - kept)
        counts.removeLast(counts.count - kept)
    }

    /// Replaces the contents with the union of two lists on the same grid.
    mutating func setUnion(_ one: borrowing BucketList, _ other: borrowing BucketList) {
        removeAll()
        keys.reserveCapacity(one.keys.count + other.keys.count)
        counts.reserveCapacity(one.keys.count + other.keys.count)
        var i = 0
        var j = 0
        while i < one.keys.count && j < other.keys.count {
            let (left, right) = (one.keys[i], other.keys[j])
            keys.append(min(left, right))
            counts.append((left <= right ? one.counts[i] : 0) + (right <= left ? other.counts[j] : 0))
            i += left <= right ? 1 : 0
            j += right <= left ? 1 : 0
        }
        keys.append(contentsOf: one.keys[i...])
        counts.append(contentsOf: one.counts[i...])
        keys.append(contentsOf: other.keys[j...])
        counts.append(contentsOf: other.counts[j...])
    }

    /// The first position whose key is not below `key`.
    private func position(of key: Int32) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
