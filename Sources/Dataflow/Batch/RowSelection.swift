/// The rows of a batch that a node is to see, in order.
///
/// `rows == nil` means rows `0..<count` (all of them, the common case); otherwise `count` row numbers, ascending.
/// The pointer is owned by whoever made the selection and is valid only during the call it is passed to.
@safe public struct RowSelection {
    /// The row numbers, or nil for `0..<count`.
    public let rows: UnsafePointer<UInt32>?
    /// How many rows are selected.
    public let count: Int

    /// Selects `count` rows listed at `rows`, or the first `count` when `rows` is nil.
    @unsafe @inlinable
    public init(rows: UnsafePointer<UInt32>?, count: Int) {
        unsafe self.rows = unsafe rows
        self.count = count
    }

    /// The first of them, at most so many.
    public func prefix(_ most: Int) -> RowSelection {
        unsafe RowSelection(rows: rows, count: min(count, most))
    }

    /// The `index`-th selected row.
    @inlinable
    public subscript(index: Int) -> Int {
        if let rows = unsafe rows { Int(unsafe rows[index]) } else { index }
    }
}
