import Lookups

/// Rows written down in a test, each a value per field, in the order of the fields.
struct ListSource: DimensionSource {
    var rows: [[DimensionCell]]

    func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        var row = DimensionRow(count: fields.count)
        for values in rows {
            row.clear()
            for (field, value) in values.enumerated() { row.set(field, value) }
            try emit(row)
        }
    }
}

/// Rows that are made when they are asked for.
struct MadeSource: DimensionSource {
    var count: Int
    var make: @Sendable (Int, inout DimensionRow) -> Void

    func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        var row = DimensionRow(count: fields.count)
        for number in 0..<count {
            row.clear()
            make(number, &row)
            try emit(row)
        }
    }
}

extension DimensionRow {
    mutating func set(_ field: Int, _ value: DimensionCell) {
        switch value {
        case .null: break
        case .text(let text): set(field, text: text)
        case .integer(let number): set(field, integer: number)
        case .double(let number): set(field, double: number)
        case .boolean(let flag): set(field, integer: flag ? 1 : 0)
        }
    }
}

extension DimensionSnapshot {
    /// Looks up keys given as values, one after the other in a batch of them all.
    func find(_ keys: [[DimensionCell]], at moments: [Int64]? = nil) -> [RowHandle] {
        var columns: [KeyColumn] = []
        var owned: [UnsafeMutableRawPointer] = unsafe []
        defer { unsafe owned.forEach { unsafe $0.deallocate() } }
        for position in schema.keys.indices {
            let valid = UnsafeMutablePointer<UInt8>.allocate(capacity: keys.count + 1)
            unsafe owned.append(valid)
            let texts = UnsafeMutablePointer<UnsafeRawBufferPointer>.allocate(capacity: keys.count + 1)
            unsafe owned.append(texts)
            let integers = UnsafeMutablePointer<Int64>.allocate(capacity: keys.count + 1)
            unsafe owned.append(integers)
            let booleans = UnsafeMutablePointer<UInt8>.allocate(capacity: keys.count + 1)
            unsafe owned.append(booleans)
            for (row, key) in keys.enumerated() {
                unsafe valid[row] = 1
                unsafe texts[row] = UnsafeRawBufferPointer(start: nil, count: 0)
                switch key[position] {
                case .text(let text):
                    let utf8 = Array(text.utf8)
                    let bytes = UnsafeMutableRawPointer.allocate(byteCount: utf8.count + 1, alignment: 1)
                    unsafe owned.append(bytes)
                    unsafe bytes.copyMemory(from: utf8, byteCount: utf8.count)
                    unsafe texts[row] = UnsafeRawBufferPointer(start: bytes, count: utf8.count)
                case .integer(let number): unsafe integers[row] = number
                case .boolean(let flag): unsafe booleans[row] = flag ? 1 : 0
                case .null, .double: unsafe valid[row] = 0
                }
            }
            switch schema.keys[position].type {
            case .text: unsafe columns.append(KeyColumn(.texts(texts), valid: valid))
            case .boolean: unsafe columns.append(KeyColumn(.booleans(booleans), valid: valid))
            default: unsafe columns.append(KeyColumn(.integers(integers), valid: valid))
            }
        }
        return unsafe [RowHandle](unsafeUninitializedCapacity: keys.count) { buffer, count in
            count = keys.count
            guard count > 0 else { return }
            unsafe find(columns, count: count, at: moments, into: buffer.baseAddress!)
        }
    }

    /// All cells of a row.
    func cells(of row: RowHandle) -> [DimensionCell] { schema.cells.indices.map { cell($0, of: row) } }
}
