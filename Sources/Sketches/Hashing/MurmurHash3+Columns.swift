/// Whole columns at once: the loop lives here, so no caller depends on inlining across modules.
extension MurmurHash3 {
    /// Hashes every text of a column.
    ///
    /// - Parameters:
    ///   - base: start of the buffer that the slices point into.
    ///   - slices: `count` pairs of `UInt32`, byte offset from `base` and byte length, in native byte order.
    ///   - count: rows in the column.
    ///   - hashes: room for `count` hashes; a slice of length 0 gives 0.
    public static func hashText(
        base: UnsafeRawPointer, slices: UnsafeRawPointer, count: Int, into hashes: UnsafeMutablePointer<UInt64>
    ) {
        for row in 0..<count {
            let offset = unsafe slices.loadUnaligned(fromByteOffset: row &* 8, as: UInt32.self)
            let length = unsafe slices.loadUnaligned(fromByteOffset: row &* 8 &+ 4, as: UInt32.self)
            unsafe hashes[row] = hash(
                base + Int(truncatingIfNeeded: offset), count: Int(truncatingIfNeeded: length))
        }
    }

    /// Hashes every integer of a column; `hashes` has room for `count`.
    public static func hashIntegers(
        _ values: UnsafePointer<Int64>, count: Int, into hashes: UnsafeMutablePointer<UInt64>
    ) {
        for row in 0..<count {
            unsafe hashes[row] = hash(values[row])
        }
    }
}
