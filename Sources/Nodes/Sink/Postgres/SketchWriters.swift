import Dataflow
import Postgres
import Sketches
import Summaries

/// `uniques`: the estimate, the sketch beside it, and how many values it has seen.
final class UniquesWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private var sketch: HyperLogLog
    private var bytes: [UInt8] = []

    init(_ metric: MetricPlan, preset: MetricPlan.HLLPreset) {
        plainColumns = TableColumn.columns(of: metric, .shown)
        stateColumns = TableColumn.columns(of: metric, .state)
        mergedColumns = stateColumns.map(\.name)
        sketch = HyperLogLog(parameters: preset.parameters)
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? UniquesState else { preconditionFailure("uniques written from another metric") }
        sketch.reset()
        _ = try StoredValueError.naming(mergedColumns[0]) {
            unsafe try stored?.withBytes(0) { unsafe try sketch.merge(encoded: $0) }
        }
        let values = try values(state.valueCount(ofGroup: group), stored)
        state.load(group: group, into: &sketch)
        bytes.removeAll(keepingCapacity: true)
        sketch.encode(into: &bytes)
        columns[plain].append(UniquesState.shown(sketch.estimate(), values: values))
        columns[first].append(bytes, unlessEqualTo: stored, 0)
        columns[first + 1].append(values)
    }

    /// How many values the row has seen. A version that did not count them has left null, and it stays so: nobody knows.
    private func values(_ new: Int64, _ stored: StoredRow?) throws -> Int64? {
        guard let stored, !sketch.isEmpty else { return new }
        guard let before = try StoredValueError.naming(mergedColumns[1], { try stored.int64(1) }) else { return nil }
        return try StoredValueError.sum(before, new, mergedColumns[1])
    }
}

/// `percentiles`: one column per quantile, and the histogram beside them.
final class PercentilesWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private let percentiles: [MetricPlan.Percentile]
    private var histogram: ExponentialHistogram
    private var bytes: [UInt8] = []

    init(_ metric: MetricPlan, percentiles: [MetricPlan.Percentile], kind: QuantileValueKind) {
        self.percentiles = percentiles
        plainColumns = TableColumn.columns(of: metric, .shown)
        stateColumns = TableColumn.columns(of: metric, .state)
        mergedColumns = stateColumns.map(\.name)
        histogram = ExponentialHistogram(kind: kind)
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? PercentilesState else {
            preconditionFailure("percentiles written from another metric")
        }
        histogram.reset()
        try StoredValueError.naming(mergedColumns[0]) {
            _ = unsafe try stored?.withBytes(0) { unsafe try histogram.merge(encoded: $0) }
            try state.load(group: group, into: &histogram)
        }
        bytes.removeAll(keepingCapacity: true)
        histogram.encode(into: &bytes)
        for (index, percentile) in percentiles.enumerated() {
            columns[plain + index].append(histogram.quantile(percentile.percent / 100))
        }
        columns[first].append(bytes, unlessEqualTo: stored, 0)
    }
}
