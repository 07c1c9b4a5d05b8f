/// Results of `count`.
final class CountResult: MetricResult {
    private let column: String
    private var count: Int64 = 0

    init(column: String) { self.column = column }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? CountState else { preconditionFailure("a count of another metric's state") }
        count = try StoredValueError.sum(stored?.integer(0), state.count(ofGroup: group), column)
    }

    func write(_ column: Int, to sink: inout some ValueSink) { sink.append(count) }
}
