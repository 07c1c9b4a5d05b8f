import Postgres
import Summaries

/// One metric's columns in rows that were read from the table under lock, a row at a time.
final class StoredRow: StoredValues {
    /// The names of the metric's columns.
    private let names: [String]
    /// Where each of them stands in the rows that were read; nil for those that are not.
    private let places: [Int?]
    private var result: QueryResult?
    private var row = 0

    /// Rows that are yet to be read.
    /// - Parameter first: where the metric's first merged column stands in them.
    init(_ columns: [ResultColumn], first: Int) {
        names = columns.map(\.name)
        var next = first
        places = columns.map { column in
            guard column.isMerged else { return nil }
            defer { next += 1 }
            return next
        }
    }

    /// Takes rows in, or lets go of those it has.
    func open(_ result: QueryResult?) { self.result = result }

    /// Goes to a row, and gives it.
    func at(_ row: Int) -> StoredRow {
        self.row = row
        return self
    }

    func integer(_ column: Int) throws -> Int64? { try read(column) { try $0.int64(row, $1) } }

    func double(_ column: Int) throws -> Double? { try read(column) { try $0.double(row, $1) } }

    func boolean(_ column: Int) throws -> Bool? { try read(column) { try $0.bool(row, $1) } }

    func decimal(_ column: Int) throws -> FixedDecimal? {
        try read(column) { try $0.numeric(row, $1).map { FixedDecimal(unscaled: $0.unscaled, scale: $0.scale) } }
    }

    func timestamp(_ column: Int) throws -> Int64? { try read(column) { try $0.microsecondsSince1970(row, $1) } }

    func withBytes(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        try read(column) { unsafe try $0.withUnsafeBytes(row, $1, body) } != nil
    }

    /// Whether a column, if it was read at all, holds just these bytes.
    func holds(_ bytes: [UInt8], in column: Int) -> Bool {
        guard let place = places[column], let result else { return false }
        return unsafe result.withUnsafeBytes(row, place) { unsafe $0.elementsEqual(bytes) } ?? false
    }

    /// Reads a column, and names it in what the driver refuses.
    @inline(__always)
    private func read<Value>(_ column: Int, _ body: (QueryResult, Int) throws -> Value) throws -> Value {
        guard let result, let place = places[column] else {
            preconditionFailure("column \(names[column]) was not read")
        }
        do {
            return try body(result, place)
        } catch let error as PostgresError where error.kind == .usage || error.kind == .protocolViolation {
            throw StoredValueError(column: names[column], problem: error.message)
        }
    }
}
