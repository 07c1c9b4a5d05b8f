import Postgres
import Sketches
import Summaries

/// One array per column of some rows.
struct RowBuilders {
    var columns: [ArrayBuilder]
    /// Where the next value of a metric goes.
    private var column = 0
    /// What its place holds, and which of the metric's columns it is.
    private var stored: (row: StoredRow, column: Int)?

    init(_ elements: [ArrayBuilder.Element]) { columns = elements.map { ArrayBuilder($0) } }

    init(_ columns: [TableColumn]) { self.init(columns.map(\.kind.element)) }

    /// Bytes on the wire.
    var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

    /// Bytes allocated.
    var memoryBytes: Int { columns.reduce(0) { $0 + $1.memoryBytes } }

    /// The arrays as statement parameters.
    var parameters: [Parameter] { columns.map { .array($0) } }

    /// Appends the values of a metric.
    /// - Parameters:
    ///   - result: the metric's values.
    ///   - places: where each of its columns stands.
    ///   - stored: the row as it is in the table, nil for a new one. In an update, a null bytea means that the column stays
    ///     as it is.
    mutating func append(_ result: any MetricResult, at places: [Int], over stored: StoredRow?) {
        for (position, place) in places.enumerated() {
            column = place
            self.stored = stored.map { ($0, position) }
            result.write(position, to: &self)
        }
    }
}

extension RowBuilders: ValueSink {
    mutating func appendNull() { columns[column].appendNull() }

    mutating func append(_ value: Int64) { columns[column].append(value) }

    mutating func append(_ value: Double) { columns[column].append(value) }

    mutating func append(microsecondsSince1970 value: Int64) { columns[column].append(microsecondsSince1970: value) }

    mutating func append(_ unscaled: Int128, scale: Int) {
        columns[column].append(Decimal128(unscaled: unscaled, scale: scale))
    }

    mutating func append(_ value: Bool) { columns[column].append(value) }

    mutating func append(text: [UInt8]) { columns[column].append(text) }

    mutating func append(json: [UInt8]) { columns[column].append(json: json) }

    mutating func append(_ sum: DoubleSum) {
        let shown = sum.decimal
        columns[column].append(isNegative: shown.isNegative, digits: shown.digits, exponent: shown.exponent)
    }

    /// Appends a state, or null when the stored one is the same: an update then leaves the column alone, and a large
    /// sketch keeps its place out of line.
    mutating func append(_ bytes: [UInt8]) {
        if let stored, stored.row.holds(bytes, in: stored.column) {
            columns[column].appendNull()
        } else {
            columns[column].append(bytes)
        }
    }
}

extension ArrayBuilder {
    /// Appends a whole number, nil as null.
    mutating func append(_ value: Int64?) {
        if let value { append(value) } else { appendNull() }
    }
}
