import Dataflow
import Postgres
import Sketches

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
        case .count: CountWriter(name)
        case .sum: SumWriter(name, scale: sumScale)
        case .avg: AverageWriter(name, scale: sumScale)
        case .min, .max: ExtremeWriter(name, type: type ?? .integer, isMaximum: function == .max)
        case .uniques(let preset): UniquesWriter(name, preset: preset)
        case .percentiles(let percentiles):
            PercentilesWriter(name, percentiles: percentiles, kind: QuantileValueKind(type ?? .double))
        }
    }

    /// Decimal places of a sum: a decimal's own, nine for doubles, none for integers.
    var sumScale: Int {
        switch type {
        case .decimal(let scale): scale
        case .double: ExactSum.doubleScale
        default: 0
        }
    }
}

final class CountWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]

    init(_ name: String) {
        plainColumns = [TableColumn(name: name, kind: .bigint, isNullable: false)]
        mergedColumns = [name]
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? CountState else { preconditionFailure("count written from another metric") }
        let before = try stored?.int64(0) ?? 0
        columns[plain].append(before + state.count(ofGroup: group))
    }
}

final class SumWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]
    private let scale: Int

    init(_ name: String, scale: Int) {
        plainColumns = [TableColumn(name: name, kind: .numeric)]
        mergedColumns = [name]
        self.scale = scale
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? SumState else { preconditionFailure("sum written from another metric") }
        let sum = try mergedSum(state.sum(ofGroup: group), try stored?.numeric(0), scale: scale)
        columns[plain].append(sum, scale: scale)
    }
}

/// Adds what is stored to what is new; nil stands for "no value yet".
private func mergedSum(_ new: Int128?, _ stored: Decimal128?, scale: Int) throws -> Int128? {
    guard let stored else { return new }
    guard let old = stored.rescaled(to: scale) else {
        throw SinkError.foreignValue("a stored sum has more than \(scale) decimal places")
    }
    return old &+ (new ?? 0)
}

final class AverageWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private let scale: Int

    init(_ name: String, scale: Int) {
        plainColumns = [TableColumn(name: name, kind: .double)]
        stateColumns = [
            TableColumn(name: name + "_sum", kind: .numeric),
            TableColumn(name: name + "_count", kind: .bigint, isNullable: false),
        ]
        mergedColumns = stateColumns.map(\.name)
        self.scale = scale
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? SumState else { preconditionFailure("avg written from another metric") }
        let sum = try mergedSum(state.sum(ofGroup: group), try stored?.numeric(0), scale: scale)
        let count = try state.count(ofGroup: group) + (stored?.int64(1) ?? 0)
        if let sum, count > 0 {
            columns[plain].append(ExactSum.mean(sum, scale: scale, count: count))
        } else {
            columns[plain].appendNull()
        }
        columns[first].append(sum, scale: scale)
        columns[first + 1].append(count)
    }
}

final class ExtremeWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]
    private let type: ColumnType
    private let isMaximum: Bool

    init(_ name: String, type: ColumnType, isMaximum: Bool) {
        let kind: TableColumn.Kind =
            switch type {
            case .decimal: .numeric
            case .double: .double
            case .timestamp: .timestamptz
            default: .bigint
            }
        plainColumns = [TableColumn(name: name, kind: kind)]
        mergedColumns = [name]
        self.type = type
        self.isMaximum = isMaximum
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        if let state = state as? ExtremeState<Double> {
            let value = pick(state.value(ofGroup: group), try stored?.double(0))
            columns[plain].append(value)
            return
        }
        guard let state = state as? ExtremeState<Int64> else { preconditionFailure("min written from another metric") }
        let new = state.value(ofGroup: group)
        switch type {
        case .decimal(let scale):
            let old = try stored?.numeric(0).map { try $0.int64(scale: scale) }
            columns[plain].append(pick(new, old).map { Int128($0) }, scale: scale)
        case .timestamp:
            let value = pick(new, try stored?.timestamp(0))
            if let value {
                columns[plain].append(microsecondsSince1970: value)
            } else {
                columns[plain].appendNull()
            }
        default:
            columns[plain].append(pick(new, try stored?.int64(0)))
        }
    }

    private func pick<Value: Comparable>(_ new: Value?, _ old: Value?) -> Value? {
        guard let new else { return old }
        guard let old else { return new }
        return isMaximum ? max(new, old) : min(new, old)
    }
}
