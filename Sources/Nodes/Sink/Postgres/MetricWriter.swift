import Dataflow
import Postgres
import Sketches
import Summaries

/// One metric on its way into a table: which columns it has, which of them hold its state, and how a group's delta is
/// merged with what the table holds. Deltas are never changed: a transaction may have to be written again.
protocol MetricWriter: AnyObject {
    /// The columns people read.
    var plainColumns: [TableColumn] { get }
    /// The columns behind them that make rows mergeable, apart from plain ones that do so themselves.
    var stateColumns: [TableColumn] { get }
    /// The names of the columns to read before merging.
    var mergedColumns: [String] { get }

    /// Appends the merged values of `group` to the metric's columns: the plain ones from `plain` on, the state columns
    /// from `first` on.
    /// - Parameter stored: the row as it is in the table, with the position of the first of `mergedColumns`; nil for a
    ///   new row. In an update, a null bytea means that the column stays as it is.
    /// - Throws: `StoredValueError` when the stored value is none of Millrace's, or the total leaves the column's range.
    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws
}

/// A row read from the table under lock.
struct StoredRow {
    var result: QueryResult
    var row: Int
    /// Position of the metric's first merged column.
    var column: Int
}

extension MetricPlan {
    /// The writer for this metric.
    func makeWriter() -> any MetricWriter {
        switch function {
        case .count: CountWriter(self)
        case .sum where type == .double: DoubleSumWriter(self)
        case .sum: SumWriter(self, scale: sumScale)
        case .avg where type == .double: DoubleAverageWriter(self)
        case .avg: AverageWriter(self, scale: sumScale)
        case .min, .max: ExtremeWriter(self, type: type ?? .integer, isMaximum: function == .max)
        case .uniques(let preset): UniquesWriter(self, preset: preset)
        case .percentiles(let percentiles):
            PercentilesWriter(self, percentiles: percentiles, kind: QuantileValueKind(type ?? .double))
        }
    }
}

final class CountWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]

    init(_ metric: MetricPlan) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        mergedColumns = [metric.name]
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? CountState else { preconditionFailure("count written from another metric") }
        let name = plainColumns[0].name
        let before = try StoredValueError.naming(name) { try stored?.int64(0) }
        columns[plain].append(try StoredValueError.sum(before, state.count(ofGroup: group), name))
    }
}

final class ExtremeWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]
    private let type: ColumnType
    private let isMaximum: Bool

    init(_ metric: MetricPlan, type: ColumnType, isMaximum: Bool) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        mergedColumns = [metric.name]
        self.type = type
        self.isMaximum = isMaximum
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        try StoredValueError.naming(plainColumns[0].name) {
            if let state = state as? ExtremeState<Double> {
                let value = pick(state.value(ofGroup: group), try storedDouble(stored))
                // -0 is 0, whichever came first.
                columns[plain].append(value.map { $0 + 0 })
            } else {
                try append(state, group: group, stored: stored, to: &columns[plain])
            }
        }
    }

    private func storedDouble(_ stored: StoredRow?) throws -> Double? {
        guard let value = try stored?.double(0) else { return nil }
        guard value.isFinite else {
            throw StoredValueError(
                column: plainColumns[0].name, problem: "the stored value is \(value), expected a finite number")
        }
        return value
    }

    private func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to column: inout ArrayBuilder
    ) throws {
        guard let state = state as? ExtremeState<Int64> else { preconditionFailure("min written from another metric") }
        let new = state.value(ofGroup: group)
        switch type {
        case .decimal(let scale):
            let old = try stored?.numeric(0).map { try int64($0, scale: scale) }
            column.append(pick(new, old).map { Int128($0) }, scale: scale)
        case .timestamp:
            let value = pick(new, try stored?.timestamp(0))
            if let value {
                column.append(microsecondsSince1970: value)
            } else {
                column.appendNull()
            }
        default:
            column.append(pick(new, try stored?.int64(0)))
        }
    }

    private func int64(_ stored: Decimal128, scale: Int) throws -> Int64 {
        guard let value = stored.rescaled(to: scale).flatMap({ Int64(exactly: $0) }) else {
            throw StoredValueError(
                column: plainColumns[0].name,
                problem: "the stored value does not fit decimal(\(scale)), so it was changed by someone else")
        }
        return value
    }

    private func pick<Value: Comparable>(_ new: Value?, _ old: Value?) -> Value? {
        guard let new else { return old }
        guard let old else { return new }
        return isMaximum ? max(new, old) : min(new, old)
    }
}
