import Sketches

/// Results of `avg` of integers and decimals: the mean, the sum, and how many values.
final class AverageResult: MetricResult {
    private let columns: [String]
    private let scale: Int
    private var sum: Int128?
    private var count: Int64 = 0

    init(_ columns: [ResultColumn], scale: Int) {
        self.columns = columns.map(\.name)
        self.scale = scale
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? SumState else { preconditionFailure("an average of another metric's state") }
        sum = try ExactSum.merge(state.sum(ofGroup: group), with: stored?.decimal(1), scale: scale, columns[1])
        count = try StoredValueError.sum(stored?.integer(2), state.count(ofGroup: group), columns[2])
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        switch column {
        case 0:
            if let sum, count > 0 {
                sink.append(ExactSum.mean(sum, scale: scale, count: count))
            } else {
                sink.appendNull()
            }
        case 1: sink.append(sum, scale: scale)
        default: sink.append(count)
        }
    }
}

/// Results of `avg` of doubles: their exact sum divided by their number, rounded once; the sum as people read it, how
/// many values, and all of the sum.
final class DoubleAverageResult: MetricResult {
    private let columns: [String]
    private var merger: DoubleSumMerger
    private var count: Int64 = 0
    private var mean: Double?

    init(_ columns: [ResultColumn]) {
        self.columns = columns.map(\.name)
        merger = DoubleSumMerger(DoubleSumMerger.Place(columns, shown: 1, exact: 3))
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? DoubleSumState else { preconditionFailure("an average of another metric's state") }
        try merger.merge(state, group, stored)
        count = try StoredValueError.sum(stored?.integer(2), state.count(ofGroup: group), columns[2])
        mean = nil
        guard !merger.sum.isEmpty, count > 0 else { return }
        mean = merger.sum.mean(of: UInt64(count))
        guard mean != nil else {
            throw StoredValueError(
                column: columns[3],
                problem: "the stored sum is too large for \(count) values, so it was changed by someone else")
        }
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        switch column {
        case 0: sink.append(mean)
        case 1: merger.writeShown(to: &sink)
        case 2: sink.append(count)
        default: merger.writeExact(to: &sink)
        }
    }
}
