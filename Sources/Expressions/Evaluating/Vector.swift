import Dataflow

/// Values by row number with a validity byte each: a field's column or a scratch column.
@safe struct Cells<Value: BitwiseCopyable> {
    let values: UnsafeMutablePointer<Value>
    let valid: UnsafeMutablePointer<UInt8>

    init(_ scratch: ScratchPool.Scratch) {
        unsafe values = scratch.values.assumingMemoryBound(to: Value.self)
        unsafe valid = scratch.valid
    }

    init(_ column: Column) {
        unsafe values = column.values.assumingMemoryBound(to: Value.self)
        unsafe valid = column.valid
    }

    @inline(__always)
    subscript(row: Int) -> Value {
        get { unsafe values[row] }
        nonmutating set { unsafe values[row] = newValue }
    }

    /// 1 where the value is there, else 0.
    @inline(__always)
    func validity(_ row: Int) -> UInt8 { unsafe valid[row] }

    /// Makes a row null; what stands where the value would be is anybody's guess.
    @inline(__always)
    func setNull(_ row: Int) { unsafe valid[row] = 0 }

    @inline(__always)
    func set(_ row: Int, _ value: Value, validity: UInt8) {
        unsafe values[row] = value
        unsafe valid[row] = validity
    }
}

/// The values of a plan for the selected rows.
enum Vector<Value: BitwiseCopyable> {
    /// `scratch` is to be given back by whoever asked for the vector.
    case column(Cells<Value>, scratch: ScratchPool.Scratch?)
    case constant(Value)
}

extension Vector {
    /// 1 where the value is there, else 0.
    @inline(__always)
    func validity(_ row: Int) -> UInt8 {
        switch self {
        case .column(let cells, _): cells.validity(row)
        case .constant: 1
        }
    }

    /// The value of a row that has one.
    @inline(__always)
    subscript(row: Int) -> Value {
        switch self {
        case .column(let cells, _): cells[row]
        case .constant(let value): value
        }
    }
}

/// Slices of one buffer by row number; what is not nil is to be given back by whoever asked for the vector.
@safe struct TextColumn {
    let base: UnsafeRawPointer
    let cells: Cells<TextSlice>
    let scratch: ScratchPool.Scratch?
    let bytes: ScratchPool.Bytes?

    @inline(__always)
    subscript(row: Int) -> TextView {
        let slice = cells[row]
        return unsafe TextView(start: base + Int(slice.offset), count: Int(slice.length))
    }
}

/// The texts of a plan for the selected rows: a column's, or one text for all.
enum TextVector {
    case column(TextColumn)
    case constant(TextView)

    @inline(__always)
    func validity(_ row: Int) -> UInt8 {
        switch self {
        case .column(let column): column.cells.validity(row)
        case .constant: 1
        }
    }

    /// The text of a valid row.
    @inline(__always)
    subscript(row: Int) -> TextView {
        switch self {
        case .column(let column): column[row]
        case .constant(let text): text
        }
    }
}

extension RowSelection {
    /// Calls `body` with each selected row.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        if let rows = unsafe rows {
            for index in 0..<count { body(Int(unsafe rows[index])) }
        } else {
            for row in 0..<count { body(row) }
        }
    }

    /// Rows the columns must have room for.
    var rowsEnd: Int {
        guard count > 0 else { return 0 }
        return self[count - 1] + 1
    }
}

/// Computes a column from two vectors; a row is null when a side is, or when `operation` answers 0 beside its value:
/// these are counted.
@inline(__always)
func combine<A, B, R>(
    _ a: Vector<A>, _ b: Vector<B>, _ rows: RowSelection, into result: Cells<R>, _ operation: (A, B) -> (R, UInt8)
) -> Int {
    var failures = 0
    switch (a, b) {
    case (.column(let a, _), .column(let b, _)):
        rows.forEach { row in
            let (value, isThere) = operation(a[row], b[row])
            let isGiven = a.validity(row) & b.validity(row)
            result.set(row, value, validity: isThere & isGiven)
            failures &+= Int(isGiven & (1 &- isThere))
        }
    case (.column(let a, _), .constant(let b)):
        rows.forEach { row in
            let (value, isThere) = operation(a[row], b)
            result.set(row, value, validity: isThere & a.validity(row))
            failures &+= Int(a.validity(row) & (1 &- isThere))
        }
    case (.constant(let a), .column(let b, _)):
        rows.forEach { row in
            let (value, isThere) = operation(a, b[row])
            result.set(row, value, validity: isThere & b.validity(row))
            failures &+= Int(b.validity(row) & (1 &- isThere))
        }
    case (.constant(let a), .constant(let b)):
        let (value, isThere) = operation(a, b)
        rows.forEach { row in result.set(row, value, validity: isThere) }
        if isThere == 0 { failures = rows.count }
    }
    return failures
}

/// Computes a column from one vector, as `combine` does from two.
@inline(__always)
func transform<A, R>(
    _ a: Vector<A>, _ rows: RowSelection, into result: Cells<R>, _ operation: (A) -> (R, UInt8)
) -> Int {
    var failures = 0
    switch a {
    case .column(let a, _):
        rows.forEach { row in
            let (value, isThere) = operation(a[row])
            result.set(row, value, validity: isThere & a.validity(row))
            failures &+= Int(a.validity(row) & (1 &- isThere))
        }
    case .constant(let a):
        let (value, isThere) = operation(a)
        rows.forEach { row in result.set(row, value, validity: isThere) }
        if isThere == 0 { failures = rows.count }
    }
    return failures
}
