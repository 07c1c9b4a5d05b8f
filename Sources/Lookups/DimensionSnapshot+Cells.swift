/// Columns of a batch, filled from rows that were found.
///
/// Each takes `count` handles, and writes a value and a byte of validity, 0 for null, for each: at its own place, or at the
/// place that `rows` has for it. The value of a null is left as it is. A missing row's cells are null.
extension DimensionSnapshot {
    /// Integers, decimals' digits, or timestamps.
    public func integers(
        _ column: Int, of handles: UnsafePointer<RowHandle>, rows: UnsafePointer<UInt32>? = nil, count: Int,
        into values: UnsafeMutablePointer<Int64>, valid: UnsafeMutablePointer<UInt8>
    ) {
        unsafe fill(column, handles, rows, count, valid) { source, row, target in
            unsafe values[target] = source.pointee.word(row)
        }
    }

    /// Doubles.
    public func doubles(
        _ column: Int, of handles: UnsafePointer<RowHandle>, rows: UnsafePointer<UInt32>? = nil, count: Int,
        into values: UnsafeMutablePointer<Double>, valid: UnsafeMutablePointer<UInt8>
    ) {
        unsafe fill(column, handles, rows, count, valid) { source, row, target in
            unsafe values[target] = Double(bitPattern: UInt64(bitPattern: source.pointee.word(row)))
        }
    }

    /// Booleans, 0 or 1.
    public func booleans(
        _ column: Int, of handles: UnsafePointer<RowHandle>, rows: UnsafePointer<UInt32>? = nil, count: Int,
        into values: UnsafeMutablePointer<UInt8>, valid: UnsafeMutablePointer<UInt8>
    ) {
        unsafe fill(column, handles, rows, count, valid) { source, row, target in
            unsafe values[target] = source.pointee.boolean(row)
        }
    }

    /// Texts, which live as long as this snapshot.
    public func texts(
        _ column: Int, of handles: UnsafePointer<RowHandle>, count: Int,
        into values: UnsafeMutablePointer<UnsafeRawBufferPointer>, valid: UnsafeMutablePointer<UInt8>
    ) {
        unsafe fill(column, handles, nil, count, valid) { source, row, target in
            unsafe values[target] = source.pointee.text(row)
        }
    }

    /// Calls `write` with the column of a shard, the row there and the place to fill, for every cell that is not null.
    @inline(__always)
    func fill(
        _ column: Int, _ handles: UnsafePointer<RowHandle>, _ rows: UnsafePointer<UInt32>?, _ count: Int,
        _ valid: UnsafeMutablePointer<UInt8>,
        _ write: (UnsafeMutablePointer<ShardColumn>, Int, Int) -> Void
    ) {
        unsafe withColumns(column) { columns in
            for index in 0..<count {
                let handle = unsafe handles[index]
                let target = unsafe row(rows, index)
                guard !handle.isMissing, unsafe !columns[handle.shard].isNull(handle.row) else {
                    unsafe valid[target] = 0
                    continue
                }
                unsafe valid[target] = 1
                unsafe write(columns + handle.shard, handle.row, target)
            }
        }
    }

    /// Runs `body` with a column of all shards, side by side.
    @inline(__always)
    private func withColumns(_ column: Int, _ body: (UnsafeMutablePointer<ShardColumn>) -> Void) {
        unsafe withViews { views in
            unsafe withUnsafeTemporaryAllocation(of: ShardColumn.self, capacity: LookupLimits.shards) { columns in
                let columns = columns.baseAddress!
                for shard in 0..<LookupLimits.shards {
                    unsafe (columns + shard).initialize(to: views[shard].pointee.columns[column])
                }
                unsafe body(columns)
            }
        }
    }
}
