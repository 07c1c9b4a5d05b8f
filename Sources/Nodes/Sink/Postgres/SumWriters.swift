import Dataflow
import Postgres
import Sketches
import Summaries

/// `sum` of integers and decimals: the sum is its own state.
final class SumWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn] = []
    let mergedColumns: [String]
    private let scale: Int

    init(_ metric: MetricPlan, scale: Int) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        mergedColumns = [metric.name]
        self.scale = scale
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? SumState else { preconditionFailure("sum written from another metric") }
        let sum = try mergedSum(state.sum(ofGroup: group), stored, 0, scale: scale, plainColumns[0].name)
        columns[plain].append(sum, scale: scale)
    }
}

/// Adds what is stored to what is new; nil stands for "no value yet".
private func mergedSum(
    _ new: Int128?, _ stored: StoredRow?, _ offset: Int, scale: Int, _ column: String
) throws -> Int128? {
    let found = try StoredValueError.naming(column) { try stored?.numeric(offset) }
    guard let found else { return new }
    guard let old = found.rescaled(to: scale) else {
        throw StoredValueError(
            column: column,
            problem:
                "the stored sum has more than \(scale) decimal places or 128 bits, so it was changed by someone else")
    }
    let (sum, overflow) = old.addingReportingOverflow(new ?? 0)
    guard !overflow else {
        throw StoredValueError(
            column: column, problem: "the sum leaves its range, expected at most 2^127 in its last decimal place")
    }
    return sum
}

/// `avg` of integers and decimals.
final class AverageWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private let scale: Int

    init(_ metric: MetricPlan, scale: Int) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        stateColumns = TableColumn.columns(of: metric, .state)
        mergedColumns = stateColumns.map(\.name)
        self.scale = scale
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? SumState else { preconditionFailure("avg written from another metric") }
        let sum = try mergedSum(state.sum(ofGroup: group), stored, 0, scale: scale, mergedColumns[0])
        let before = try StoredValueError.naming(mergedColumns[1]) { try stored?.int64(1) }
        let count = try StoredValueError.sum(before, state.count(ofGroup: group), mergedColumns[1])
        if let sum, count > 0 {
            columns[plain].append(ExactSum.mean(sum, scale: scale, count: count))
        } else {
            columns[plain].appendNull()
        }
        columns[first].append(sum, scale: scale)
        columns[first + 1].append(count)
    }
}

/// `sum` of doubles: the nearest double, and beside it the exact sum, which makes rows mergeable.
final class DoubleSumWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private var merger = DoubleSumMerger()

    init(_ metric: MetricPlan) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        stateColumns = TableColumn.columns(of: metric, .state)
        mergedColumns = [metric.name + "_exact", metric.name]
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? DoubleSumState else { preconditionFailure("sum written from another metric") }
        try merger.merge(state, group, stored, exact: 0, shown: 1, mergedColumns)
        merger.append(shownTo: &columns[plain])
        merger.append(exactTo: &columns[first], unlessEqualTo: stored, 0)
    }
}

/// `avg` of doubles: their exact sum divided by their number, rounded once.
final class DoubleAverageWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private var merger = DoubleSumMerger()

    init(_ metric: MetricPlan) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        stateColumns = TableColumn.columns(of: metric, .state)
        mergedColumns = ["_exact", "_sum", "_count"].map { metric.name + $0 }
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? DoubleSumState else { preconditionFailure("avg written from another metric") }
        try merger.merge(state, group, stored, exact: 0, shown: 1, mergedColumns)
        let before = try StoredValueError.naming(mergedColumns[2]) { try stored?.int64(2) }
        let count = try StoredValueError.sum(before, state.count(ofGroup: group), mergedColumns[2])
        if merger.sum.isEmpty || count == 0 {
            columns[plain].appendNull()
        } else if let mean = merger.sum.mean(of: UInt64(count)) {
            columns[plain].append(mean)
        } else {
            throw StoredValueError(
                column: mergedColumns[0],
                problem: "the stored sum is too large for \(count) values, so it was changed by someone else")
        }
        merger.append(shownTo: &columns[first])
        columns[first + 1].append(count)
        merger.append(exactTo: &columns[first + 2], unlessEqualTo: stored, 0)
    }
}

/// Reads, merges and writes exact sums of doubles, row by row.
private struct DoubleSumMerger {
    private(set) var sum = DoubleSum()
    private var bytes: [UInt8] = []

    /// Makes `sum` that of a group and of the stored row.
    ///
    /// A row of a version that kept no exact sums goes on from the sum it shows.
    /// - Parameters:
    ///   - exact: the offset of the exact sum among the merged columns; `shown`: that of the rounded one.
    mutating func merge(
        _ state: DoubleSumState, _ group: Int, _ stored: StoredRow?, exact: Int, shown: Int, _ names: [String]
    ) throws {
        sum.reset()
        if let stored {
            let isExact = try StoredValueError.naming(names[exact]) {
                unsafe try stored.withBytes(exact) { unsafe try sum.merge(encoded: $0) } != nil
            }
            if !isExact, let old = try StoredValueError.naming(names[shown], { try stored.numeric(shown) }) {
                sum.add(old.nearestDouble)
            }
        }
        try StoredValueError.naming(names[exact]) { try state.load(group: group, into: &sum) }
    }

    /// Appends the nearest double as a numeric, null without values.
    func append(shownTo column: inout ArrayBuilder) {
        guard !sum.isEmpty else { return column.appendNull() }
        let shown = sum.decimal
        column.append(isNegative: shown.isNegative, digits: shown.digits, exponent: shown.exponent)
    }

    /// Appends the stored form; null without values, and when the stored one is the same.
    mutating func append(exactTo column: inout ArrayBuilder, unlessEqualTo stored: StoredRow?, _ offset: Int) {
        guard !sum.isEmpty else { return column.appendNull() }
        bytes.removeAll(keepingCapacity: true)
        sum.encode(into: &bytes)
        column.append(bytes, unlessEqualTo: stored, offset)
    }
}
