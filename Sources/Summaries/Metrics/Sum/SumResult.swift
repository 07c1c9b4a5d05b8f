/// Results of `sum` of integers and decimals.
final class SumResult: MetricResult {
    private let column: String
    private let scale: Int
    private var sum: Int128?

    init(column: String, scale: Int) {
        self.column = column
        self.scale = scale
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? SumState else { preconditionFailure("a sum of another metric's state") }
        sum = try ExactSum.merge(state.sum(ofGroup: group), with: stored?.decimal(0), scale: scale, column)
    }

    func write(_ column: Int, to sink: inout some ValueSink) { sink.append(sum, scale: scale) }
}

/// Results of `sum` of doubles: the nearest double, and beside it the exact sum, which makes rows mergeable.
final class DoubleSumResult: MetricResult {
    private var merger: DoubleSumMerger

    init(_ place: DoubleSumMerger.Place) { merger = DoubleSumMerger(place) }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? DoubleSumState else { preconditionFailure("a sum of another metric's state") }
        try merger.merge(state, group, stored)
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        if column == 0 { merger.writeShown(to: &sink) } else { merger.writeExact(to: &sink) }
    }
}
