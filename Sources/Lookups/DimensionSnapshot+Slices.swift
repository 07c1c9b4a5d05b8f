/// Text columns of a batch as one base and 32-bit offsets.
extension DimensionSnapshot {
    /// Texts as slices of one buffer: pairs of `UInt32`, byte offset and byte length.
    ///
    /// The texts of a repeating column lie in the table's dictionary, and nothing is copied: the base is the dictionary's,
    /// and lives as long as this snapshot. Those of other columns, and all while a refresh replaces the dictionary, are
    /// copied into memory that the caller gives.
    /// - Parameters:
    ///   - column: a cell of type text.
    ///   - handles: `count` rows.
    ///   - rows: the place of each; its own unless given.
    ///   - slices: room for `count` pairs; that of a null is left as it is.
    ///   - valid: room for `count` bytes: 0 for null.
    ///   - room: asked once at most, for memory of so many bytes that lives as long as the slices.
    /// - Returns: the base.
    /// - Precondition: the texts that are copied have less than 4 GiB, as those of a batch of at most 65,536 rows.
    public func slices(
        _ column: Int, of handles: UnsafePointer<RowHandle>, rows: UnsafePointer<UInt32>? = nil, count: Int,
        into slices: UnsafeMutableRawPointer, valid: UnsafeMutablePointer<UInt8>, room: (Int) -> UnsafeMutableRawPointer
    ) -> UnsafeRawPointer? {
        if let dictionary = commonDictionary(column) {
            guard let base = unsafe UnsafeRawPointer(dictionary.base) else {
                for index in 0..<count { unsafe valid[row(rows, index)] = 0 }
                return nil
            }
            unsafe fill(column, handles, rows, count, valid) { source, row, target in
                let code = unsafe source.pointee.code(row)
                let (offset, length) = unsafe TextDictionary.place(of: code, in: base)
                unsafe slices.storeBytes(of: offset, toByteOffset: target &* 8, as: UInt32.self)
                unsafe slices.storeBytes(of: length, toByteOffset: target &* 8 &+ 4, as: UInt32.self)
            }
            return unsafe base
        }
        var size = 0
        unsafe fill(column, handles, rows, count, valid) { source, row, target in
            let text = unsafe source.pointee.text(row)
            unsafe slices.storeBytes(of: UInt32(truncatingIfNeeded: size), toByteOffset: target * 8, as: UInt32.self)
            unsafe slices.storeBytes(of: UInt32(text.count), toByteOffset: target * 8 + 4, as: UInt32.self)
            size += text.count
        }
        precondition(size <= Int(UInt32.max), "the texts of a batch have less than 4 GiB")
        guard size > 0 else { return UnsafeRawPointer(valid) }
        let base = unsafe room(size)
        unsafe fill(column, handles, rows, count, valid) { source, row, target in
            let text = unsafe source.pointee.text(row)
            guard let start = text.baseAddress else { return }
            let offset = unsafe slices.loadUnaligned(fromByteOffset: target * 8, as: UInt32.self)
            unsafe (base + Int(offset)).copyMemory(from: start, byteCount: text.count)
        }
        return UnsafeRawPointer(base)
    }

    /// The dictionary that the texts of a column lie in, if all do.
    private func commonDictionary(_ column: Int) -> TextDictionary? {
        var common: TextDictionary?
        for shard in shards where shard.rows > 0 {
            guard let dictionary = shard.dictionary(of: column) else { return nil }
            if common != nil, common !== dictionary { return nil }
            common = dictionary
        }
        return common
    }
}
