/// Results of `share_below`: the share, and both counts.
final class ShareBelowResult: MetricResult {
    private let columns: [String]
    private var below: Int64 = 0
    private var values: Int64 = 0

    init(_ columns: [ResultColumn]) { self.columns = columns.map(\.name) }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? any ShareBelowCounts else {
            preconditionFailure("a share of another metric's state")
        }
        let new = state.counts(ofGroup: group)
        let (oldBelow, oldValues) = (try stored?.integer(1), try stored?.integer(2))
        if let oldBelow, let oldValues, oldBelow > oldValues {
            throw StoredValueError(
                column: columns[1],
                problem: "the stored count is larger than that of all values, found \(oldBelow), expected at most "
                    + "\(oldValues)")
        }
        below = try StoredValueError.sum(oldBelow, new.below, columns[1])
        values = try StoredValueError.sum(oldValues, new.values, columns[2])
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        switch column {
        case 0: sink.append(values == 0 ? nil : Double(below) / Double(values))
        case 1: sink.append(below)
        default: sink.append(values)
        }
    }
}
