import Dataflow

/// Results of `min` and `max` of integers, decimals and moments.
final class ExtremeResult: MetricResult {
    private let column: String
    private let type: ColumnType
    private let isMaximum: Bool
    private var value: Int64?

    init(column: String, type: ColumnType, isMaximum: Bool) {
        self.column = column
        self.type = type
        self.isMaximum = isMaximum
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? ExtremeState<Int64> else {
            preconditionFailure("an extreme of another metric's state")
        }
        let old = try stored.flatMap { try self.old($0) }
        value = Extreme.pick(state.value(ofGroup: group), old, isMaximum: isMaximum)
    }

    private func old(_ stored: any StoredValues) throws -> Int64? {
        switch type {
        case .decimal(let scale):
            guard let found = try stored.decimal(0) else { return nil }
            guard let value = found.rescaled(to: scale).flatMap({ Int64(exactly: $0) }) else {
                throw StoredValueError(
                    column: column,
                    problem: "the stored value does not fit decimal(\(scale)), so it was changed by someone else")
            }
            return value
        case .timestamp: return try stored.timestamp(0)
        default: return try stored.integer(0)
        }
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        guard let value else { return sink.appendNull() }
        switch type {
        case .decimal(let scale): sink.append(Int128(value), scale: scale)
        case .timestamp: sink.append(microsecondsSince1970: value)
        default: sink.append(value)
        }
    }
}

/// Results of `min` and `max` of doubles.
final class DoubleExtremeResult: MetricResult {
    private let column: String
    private let isMaximum: Bool
    private var value: Double?

    init(column: String, isMaximum: Bool) {
        self.column = column
        self.isMaximum = isMaximum
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? ExtremeState<Double> else {
            preconditionFailure("an extreme of another metric's state")
        }
        let old = try stored?.double(0)
        if let old, !old.isFinite {
            throw StoredValueError(
                column: column, problem: "the stored value is \(old), expected a finite number")
        }
        // -0 is 0, whichever came first.
        value = Extreme.pick(state.value(ofGroup: group), old, isMaximum: isMaximum).map { $0 + 0 }
    }

    func write(_ column: Int, to sink: inout some ValueSink) { sink.append(value) }
}
