/// Where a text value lies, from where the texts of its column begin.
@frozen
public struct TextSlice {
    /// Bytes from `Column.base`.
    public var offset: UInt32
    /// Length in bytes.
    public var length: UInt32

    /// Creates a slice.
    @inlinable
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }
}

/// One typed column of a batch: `values` in the layout of its `ColumnType`, and one byte per row saying whether the
/// value is there.
///
/// A byte, not a bit, per row: the parser writes rows of many columns at once, and a byte store needs no
/// read-modify-write; the reading loops vectorise either way.
@safe public struct Column {
    /// text: `TextSlice`; integer, decimal, timestamp: `Int64`; double: `Double`; boolean: `UInt8`.
    public let values: UnsafeMutableRawPointer
    /// 1 where the value is present, 0 where it is null.
    public let valid: UnsafeMutablePointer<UInt8>
    /// The type of the values.
    public let type: ColumnType
    /// Holds where the texts begin. A place and not the address, since buffers move while a batch is filled.
    private let basePlace: UnsafePointer<UnsafeRawPointer>

    /// The values as whole numbers; for integer, decimal and timestamp columns.
    @inlinable public var integers: UnsafeMutablePointer<Int64> {
        unsafe values.assumingMemoryBound(to: Int64.self)
    }
    /// The values as doubles; for double columns.
    @inlinable public var doubles: UnsafeMutablePointer<Double> {
        unsafe values.assumingMemoryBound(to: Double.self)
    }
    /// Where the slices of a text column begin: for columns of the parser the batch's buffer, for added ones memory of their
    /// own that the batch keeps.
    public var base: UnsafeRawPointer { unsafe basePlace.pointee }
    /// The values as slices, from `base` on; for text columns.
    @inlinable public var slices: UnsafeMutablePointer<TextSlice> {
        unsafe values.assumingMemoryBound(to: TextSlice.self)
    }
    /// The values as bytes, 0 or 1; for boolean columns.
    @inlinable public var booleans: UnsafeMutablePointer<UInt8> {
        unsafe values.assumingMemoryBound(to: UInt8.self)
    }

    /// A column over memory that somebody else owns, and keeps as long as the column is used.
    /// - Parameter base: holds where the texts begin.
    public init(
        type: ColumnType, values: UnsafeMutableRawPointer, valid: UnsafeMutablePointer<UInt8>,
        base: UnsafePointer<UnsafeRawPointer>
    ) {
        self.type = type
        unsafe self.values = values
        unsafe self.valid = valid
        unsafe basePlace = base
    }

    init(type: ColumnType, capacity: Int, base: UnsafePointer<UnsafeRawPointer>) {
        self.type = type
        unsafe basePlace = base
        unsafe values = .allocate(byteCount: max(1, capacity) * type.stride, alignment: 16)
        unsafe valid = .allocate(capacity: max(1, capacity))
    }

    func deallocate() {
        unsafe values.deallocate()
        unsafe valid.deallocate()
    }
}
