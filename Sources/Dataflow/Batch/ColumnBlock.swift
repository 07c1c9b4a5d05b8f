/// The columns of a batch with their hashes and the texts that nodes behind the parser made. Owned by the batch, which
/// ends it with `deallocate`.
///
/// Plain blocks, for several stages may use them at once, each its own columns: an `Array` would see one that writes an
/// element beside one that reads another as a conflict.
@safe struct ColumnBlock {
    let layout: BatchLayout
    private(set) var columns: [Column] = []
    /// Where the texts of each column begin: the first place is for all columns of the parser, whose texts lie in the
    /// batch's buffer, then one for each added column.
    private let bases: UnsafeMutablePointer<UnsafeRawPointer>
    private let hashes: UnsafeMutablePointer<HashColumn>
    private let arenas: UnsafeMutablePointer<TextArena>
    /// What keeps the texts of a column that lie in memory of somebody else's.
    private let keepers: UnsafeMutablePointer<AnyObject?>
    private(set) var capacity = 0

    @safe private struct HashColumn {
        var values: UnsafeMutablePointer<UInt64>?
        var isFilled = false
    }

    init(_ layout: BatchLayout, base: UnsafeRawPointer) {
        self.layout = layout
        let count = layout.count + 1
        unsafe bases = .allocate(capacity: count)
        unsafe bases.initialize(repeating: base, count: count)
        unsafe hashes = .allocate(capacity: count)
        unsafe hashes.initialize(repeating: HashColumn(), count: count)
        unsafe arenas = .allocate(capacity: count)
        unsafe arenas.initialize(repeating: TextArena(), count: count)
        unsafe keepers = .allocate(capacity: count)
        unsafe keepers.initialize(repeating: nil, count: count)
    }

    func deallocate() {
        for column in 0..<layout.count {
            unsafe hashes[column].values?.deallocate()
            unsafe arenas[column].deallocate()
        }
        deallocateColumns()
        unsafe bases.deallocate()
        unsafe hashes.deallocate()
        unsafe arenas.deallocate()
        unsafe keepers.deinitialize(count: layout.count + 1)
        unsafe keepers.deallocate()
    }

    private func deallocateColumns() {
        for (index, column) in columns.enumerated() where layout.ownType(of: index) != nil { column.deallocate() }
    }

    /// Makes the columns anew for so many rows; none for 0.
    mutating func allocate(rows: Int) {
        deallocateColumns()
        capacity = rows
        columns = []
        for index in 0..<layout.count {
            unsafe hashes[index].values?.deallocate()
            unsafe hashes[index] = HashColumn()
            guard rows > 0 else { continue }
            let place = index < layout.parsedCount ? 0 : index + 1 - layout.parsedCount
            if layout.origin(of: index) != index {
                columns.append(columns[layout.origin(of: index)])
            } else {
                // A number without memory is never asked for.
                let type = layout.ownType(of: index)
                unsafe columns.append(
                    Column(type: type ?? .boolean, capacity: type == nil ? 0 : rows, base: bases + place))
            }
        }
    }

    /// Gives the columns room for more rows, and keeps the first ones of those that the parser fills.
    mutating func grow(rows: Int, keeping written: Int) {
        let old = columns
        columns = []
        allocate(rows: rows)
        for (index, column) in old.enumerated() where layout.ownType(of: index) != nil {
            if index < layout.parsedCount {
                unsafe columns[index].values.copyMemory(from: column.values, byteCount: written * column.type.stride)
                unsafe columns[index].valid.update(from: column.valid, count: written)
            }
            column.deallocate()
        }
    }

    /// Says where the batch's buffer is: the texts of the parser's columns lie there.
    func setBase(_ base: UnsafeRawPointer) { unsafe bases[0] = base }

    /// Forgets what was filled; what texts need more than so many bytes is given back.
    func reset(keeping bytes: Int) {
        for column in 0..<layout.count {
            unsafe hashes[column].isFilled = false
            unsafe keepers[column] = nil
            if unsafe arenas[column].capacity > 0 { unsafe arenas[column].reset(keeping: bytes) }
        }
    }

    var memoryBytes: Int {
        var bytes = capacity * (layout.rowBytes + 8 * layout.count)
        for column in layout.parsedCount..<max(layout.parsedCount, layout.count) {
            bytes += unsafe arenas[column].capacity
        }
        return bytes
    }

    func fillHashes(of index: Int, _ fill: (Column, UnsafeMutablePointer<UInt64>) -> Void) {
        let origin = layout.origin(of: index)
        let values = unsafe hashes[origin].values ?? .allocate(capacity: capacity)
        unsafe fill(columns[index], values)
        unsafe hashes[origin] = HashColumn(values: values, isFilled: true)
    }

    func hashes(of index: Int) -> UnsafePointer<UInt64> {
        let origin = layout.origin(of: index)
        guard let values = unsafe hashes[origin].values, unsafe hashes[origin].isFilled else {
            preconditionFailure("nobody said that the hashes of column \(index) are needed")
        }
        return unsafe UnsafePointer(values)
    }

    /// Fills an added column with the selected rows of another one; the others have no value.
    /// - Returns: the first of the selected rows whose text finds no room any more; from it on none has a value.
    func fill(_ index: Int, from source: Column, _ rows: RowSelection, rowCount: Int) -> Int? {
        precondition(
            index >= layout.parsedCount && layout.ownType(of: index) == source.type, "not a column to be filled so")
        let target = columns[index]
        if rows.count < rowCount { unsafe target.valid.update(repeating: 0, count: rowCount) }
        switch source.type {
        case .text: return fillTexts(index, from: source, rows)
        case .boolean:
            for position in 0..<rows.count {
                let row = rows[position]
                unsafe (target.booleans[row], target.valid[row]) = unsafe (source.booleans[row], source.valid[row])
            }
        case .integer, .decimal, .double, .timestamp:
            for position in 0..<rows.count {
                let row = rows[position]
                unsafe (target.integers[row], target.valid[row]) = unsafe (source.integers[row], source.valid[row])
            }
        }
        return nil
    }

    /// Has somebody write an added column; see `Batch.writeColumn`.
    func write(
        _ index: Int, _ rows: RowSelection, rowCount: Int,
        _ write: (Column, _ room: (Int) -> UnsafeMutableRawPointer) -> (base: UnsafeRawPointer?, keeper: AnyObject?)
    ) {
        precondition(index >= layout.parsedCount && layout.ownType(of: index) != nil, "not a column to be written so")
        let column = columns[index]
        if rows.count < rowCount { unsafe column.valid.update(repeating: 0, count: rowCount) }
        let arena = unsafe arenas + index
        let texts = unsafe write(column) { unsafe arena.pointee.room(for: $0) }
        guard column.type == .text else { return }
        if let base = unsafe texts.base { unsafe bases[index + 1 - layout.parsedCount] = base }
        unsafe keepers[index] = texts.keeper
    }

    private func fillTexts(_ index: Int, from source: Column, _ rows: RowSelection) -> Int? {
        let target = columns[index]
        let (slices, valid) = unsafe (source.slices, source.valid)
        var (bytes, fitting) = (0, 0)
        while fitting < rows.count {
            let row = rows[fitting]
            let length = unsafe valid[row] == 0 ? 0 : Int(slices[row].length)
            guard bytes + length <= TextArena.bytesMax else { break }
            bytes += length
            fitting += 1
        }
        let arena = unsafe arenas + index
        let texts = unsafe arena.pointee.room(for: bytes)
        unsafe bases[index + 1 - layout.parsedCount] = UnsafeRawPointer(texts)
        let base = unsafe source.base
        for position in 0..<rows.count {
            let row = rows[position]
            let isThere = position < fitting ? unsafe valid[row] : 0
            unsafe target.valid[row] = isThere
            // Hashing reads the slices of absent values as well.
            unsafe target.slices[row] =
                unsafe isThere == 0 ? TextSlice(offset: 0, length: 0) : arena.pointee.append(slices[row], of: base)
        }
        return fitting < rows.count ? rows[fitting] : nil
    }
}

/// The texts of one added column, one after the other.
@safe private struct TextArena {
    /// The most that one batch may hold of one column: a slice reaches 4 GiB, and nobody means so much.
    static let bytesMax = 256 << 20

    private var start: UnsafeMutableRawPointer?
    private(set) var capacity = 0
    private var used = 0

    func deallocate() { unsafe start?.deallocate() }

    /// Empties it and makes sure that so many bytes fit.
    mutating func room(for bytes: Int) -> UnsafeMutableRawPointer {
        used = 0
        // Whoever hashes or compares a text reads whole words, also past its end.
        if let start = unsafe start, bytes + Limits.parserPadding <= capacity { return unsafe start }
        unsafe start?.deallocate()
        capacity = max(1_024, bytes + bytes / 4 + Limits.parserPadding)
        let made = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        unsafe start = made
        return unsafe made
    }

    @inline(__always)
    mutating func append(_ slice: TextSlice, of base: UnsafeRawPointer) -> TextSlice {
        let result = TextSlice(offset: UInt32(used), length: slice.length)
        if slice.length > 0 {
            unsafe (start.unsafelyUnwrapped + used).copyMemory(
                from: base + Int(slice.offset), byteCount: Int(slice.length))
        }
        used &+= Int(slice.length)
        return result
    }

    mutating func reset(keeping bytes: Int) {
        used = 0
        guard capacity > bytes else { return }
        unsafe start?.deallocate()
        unsafe start = nil
        capacity = 0
    }
}
