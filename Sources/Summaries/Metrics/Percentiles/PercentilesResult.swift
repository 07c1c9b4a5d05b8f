import Sketches

/// Results of `percentiles`: a value per percentile, and the histogram beside them.
final class PercentilesResult: MetricResult {
    private let percentiles: [Percentile]
    private let sketch: String
    private var histogram: ExponentialHistogram
    private var bytes: [UInt8] = []

    /// - Parameter sketch: the name of the histogram's column.
    init(_ percentiles: [Percentile], _ kind: QuantileValueKind, sketch: String) {
        self.percentiles = percentiles
        self.sketch = sketch
        histogram = ExponentialHistogram(kind: kind)
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? PercentilesState else {
            preconditionFailure("percentiles of another metric's state")
        }
        histogram.reset()
        try StoredValueError.naming(sketch) {
            if let stored {
                _ = unsafe try stored.withBytes(percentiles.count) { unsafe try histogram.merge(encoded: $0) }
            }
            try state.load(group: group, into: &histogram)
        }
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        if column < percentiles.count {
            return sink.append(histogram.quantile(percentiles[column].percent / 100))
        }
        bytes.removeAll(keepingCapacity: true)
        histogram.encode(into: &bytes)
        sink.append(bytes)
    }
}
