import Sketches

/// Results of `uniques`: the estimate, the sketch beside it, and how many values it has seen.
final class UniquesResult: MetricResult {
    private let columns: [String]
    private var sketch: HyperLogLog
    private var values: Int64?
    private var bytes: [UInt8] = []

    init(_ columns: [ResultColumn], _ parameters: HyperLogLogParameters) {
        self.columns = columns.map(\.name)
        sketch = HyperLogLog(parameters: parameters)
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? UniquesState else { preconditionFailure("uniques of another metric's state") }
        sketch.reset()
        if let stored {
            _ = try StoredValueError.naming(columns[1]) {
                unsafe try stored.withBytes(1) { unsafe try sketch.merge(encoded: $0) }
            }
        }
        values = try values(state.valueCount(ofGroup: group), stored)
        state.load(group: group, into: &sketch)
    }

    /// How many values the row has seen. A version that did not count them has left null, and it stays so: nobody knows.
    private func values(_ new: Int64, _ stored: (any StoredValues)?) throws -> Int64? {
        guard let stored, !sketch.isEmpty else { return new }
        guard let before = try stored.integer(2) else { return nil }
        return try StoredValueError.sum(before, new, columns[2])
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        switch column {
        case 0: sink.append(UniquesState.shown(sketch.estimate(), values: values))
        case 1:
            bytes.removeAll(keepingCapacity: true)
            sketch.encode(into: &bytes)
            sink.append(bytes)
        default: sink.append(values)
        }
    }
}
