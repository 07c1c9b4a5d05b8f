import Declaration

@testable import Dataflow
@testable import Expressions

/// A value of a test's record; nil is null.
enum SampleValue: Equatable {
    case integer(Int64)
    case double(Double)
    case text(String)
    case boolean(Bool)
}

/// A batch built row by row, in the memory layout that parsers write.
@safe final class SampleBatch {
    let schema: RecordSchema
    let rows: [[SampleValue?]]
    private let columns: [Column]
    private let columnList: UnsafeMutablePointer<Column>
    private let text: UnsafeMutablePointer<UnsafeRawPointer>

    init(_ fields: [(name: String, type: ColumnType)], rows: [[SampleValue?]]) {
        schema = RecordSchema(
            fields: fields.enumerated().map { .init(name: $1.name, type: $1.type, column: $0) }, eventTimeColumn: nil)
        self.rows = rows
        let base = UnsafeMutablePointer<UnsafeRawPointer>.allocate(capacity: 1)
        columns = fields.map { unsafe Column(type: $0.type, capacity: rows.count, base: base) }
        var bytes: [UInt8] = []
        for (index, row) in rows.enumerated() {
            for (column, value) in zip(columns, row) {
                unsafe column.valid[index] = value == nil ? 0 : 1
                switch value {
                case nil: Self.fill(column, index)
                case .integer(let value): unsafe column.integers[index] = value
                case .double(let value): unsafe column.doubles[index] = value
                case .boolean(let value): unsafe column.booleans[index] = value ? 1 : 0
                case .text(let value):
                    unsafe column.slices[index] = TextSlice(
                        offset: UInt32(bytes.count), length: UInt32(value.utf8.count))
                    bytes += Array(value.utf8)
                }
            }
        }
        let texts = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
        unsafe texts.copyMemory(from: bytes, byteCount: bytes.count)
        unsafe base.initialize(to: UnsafeRawPointer(texts))
        unsafe text = base
        unsafe columnList = .allocate(capacity: max(1, columns.count))
        unsafe columnList.initialize(from: columns, count: columns.count)
    }

    deinit {
        for column in columns { column.deallocate() }
        unsafe columnList.deallocate()
        unsafe text.pointee.deallocate()
        unsafe text.deallocate()
    }

    /// What stands where a value is null: anything, so that an evaluator that looks at it is found out.
    private static func fill(_ column: Column, _ index: Int) {
        switch column.type {
        case .boolean: unsafe column.booleans[index] = 1
        // Of lengths that texts in conditions have too: whoever compares lengths first goes on and reads.
        case .text: unsafe column.slices[index] = TextSlice(offset: .max, length: UInt32((index * 3 + 2) % 9))
        case .double: unsafe column.doubles[index] = .nan
        case .integer, .decimal, .timestamp: unsafe column.integers[index] = .min
        }
    }

    /// The rows, out of all or out of `among`, for which a condition is true.
    func select(_ evaluator: ExpressionEvaluator, among: [UInt32]? = nil) -> [Int] {
        let columns = unsafe UnsafeBufferPointer(start: columnList, count: columns.count)
        let read = { (selection: RowSelection) in (0..<selection.count).map { selection[$0] } }
        guard let among else {
            let all = unsafe RowSelection(rows: nil, count: rows.count)
            return unsafe read(evaluator.select(columns: columns, selection: all))
        }
        return unsafe among.withUnsafeBufferPointer { list in
            let some = unsafe RowSelection(rows: list.baseAddress, count: list.count)
            return unsafe read(evaluator.select(columns: columns, selection: some))
        }
    }

    /// The texts of all rows, out of an evaluator of texts.
    func texts(_ evaluator: ExpressionEvaluator) -> [String?] {
        let list = unsafe UnsafeBufferPointer(start: columnList, count: columns.count)
        let all = unsafe RowSelection(rows: nil, count: rows.count)
        let answer = unsafe evaluator.evaluate(columns: list, selection: all)
        return rows.indices.map { row in
            guard unsafe answer.valid[row] == 1 else { return nil }
            let slice = unsafe answer.values.load(fromByteOffset: row * 8, as: TextSlice.self)
            let bytes = unsafe UnsafeRawBufferPointer(start: answer.text + Int(slice.offset), count: Int(slice.length))
            return unsafe String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The truth values of all rows, out of an evaluator of a condition.
    func truths(_ evaluator: ExpressionEvaluator) -> [Bool?] {
        let list = unsafe UnsafeBufferPointer(start: columnList, count: columns.count)
        let all = unsafe RowSelection(rows: nil, count: rows.count)
        let answer = unsafe evaluator.evaluate(columns: list, selection: all)
        return rows.indices.map { row in
            guard unsafe answer.valid[row] == 1 else { return nil }
            return unsafe answer.values.load(fromByteOffset: row, as: UInt8.self) == 1
        }
    }

    /// The rows for which a condition, given as text, is true.
    func select(_ condition: String) throws -> [Int] {
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let typed = try Expression.parse(condition, at: start).checkCondition(against: schema)
        return select(typed.makeEvaluator())
    }
}
