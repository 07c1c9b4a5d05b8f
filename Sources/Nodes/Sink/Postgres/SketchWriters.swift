import Dataflow
import Postgres
import Sketches

/// `uniques`: the estimate, and the sketch beside it.
final class UniquesWriter: MetricWriter {
    let plainColumns: [TableColumn]
    let stateColumns: [TableColumn]
    let mergedColumns: [String]
    private var sketch: HyperLogLog
    private var bytes: [UInt8] = []

    init(_ name: String, preset: MetricPlan.HLLPreset) {
        plainColumns = [TableColumn(name: name, kind: .bigint, isNullable: false)]
        stateColumns = [TableColumn(name: name + "_sketch", kind: .bytea, isNullable: false)]
        mergedColumns = stateColumns.map(\.name)
        sketch = HyperLogLog(parameters: preset.parameters)
    }

    func append(
        _ state: any MetricState, group: Int, stored: StoredRow?, to columns: inout [ArrayBuilder], plain: Int,
        state first: Int
    ) throws {
        guard let state = state as? UniquesState else { preconditionFailure("uniques written from another metric") }
        sketch.reset()
        unsafe try stored?.withBytes(0) { unsafe try sketch.merge(encoded: $0) }
        state.load(group: group, into: &sketch)
        bytes.removeAll(keepingCapacity: true)
        sketch.encode(into: &bytes)
        columns[plain].append(Int64(sketch.estimate().rounded()))
        columns[first].append(bytes, unlessEqualTo: stored)
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

    init(_ name: String, percentiles: [MetricPlan.Percentile], kind: QuantileValueKind) {
        self.percentiles = percentiles
        plainColumns = percentiles.map { TableColumn(name: name + "_" + $0.columnSuffix, kind: .double) }
        stateColumns = [TableColumn(name: name + "_sketch", kind: .bytea, isNullable: false)]
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
        unsafe try stored?.withBytes(0) { unsafe try histogram.merge(encoded: $0) }
        state.load(group: group, into: &histogram)
        bytes.removeAll(keepingCapacity: true)
        histogram.encode(into: &bytes)
        for (index, percentile) in percentiles.enumerated() {
            columns[plain + index].append(histogram.quantile(percentile.percent / 100))
        }
        columns[first].append(bytes, unlessEqualTo: stored)
    }
}

extension ArrayBuilder {
    /// Appends a sketch, or null when the stored one is the same: an update then leaves the column alone, and a large
    /// sketch keeps its place out of line.
    fileprivate mutating func append(_ bytes: [UInt8], unlessEqualTo stored: StoredRow?) {
        let isUnchanged = unsafe stored?.withBytes(0) { unsafe $0.elementsEqual(bytes) } ?? false
        if isUnchanged { appendNull() } else { append(bytes) }
    }
}
