import Dataflow

/// Results of `first` and `last`: the value, its time, and its place in the log.
final class FirstLastResult: MetricResult {
    private let columns: [String]
    private let type: ColumnType
    private let isLast: Bool
    private var moment: LogMoment?
    private var number: Int64 = 0
    private var text: [UInt8] = []
    private var bytes: [UInt8] = []

    init(_ columns: [ResultColumn], type: ColumnType, isLast: Bool) {
        self.columns = columns.map(\.name)
        self.type = type
        self.isLast = isLast
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? FirstLastState else {
            preconditionFailure("a first or last value of another metric's state")
        }
        moment = nil
        text.removeAll(keepingCapacity: true)
        let new = state.moment(ofGroup: group)
        if let stored, let old = try self.moment(stored), new.map({ isLast ? $0 < old : old < $0 }) ?? true {
            try read(stored)
            moment = old
        } else if let new {
            moment = new
            if type == .text {
                state.appendText(ofGroup: group, to: &text)
            } else {
                number = state.number(ofGroup: group)
            }
        }
    }

    /// When and where the stored value was; nil when there is none.
    private func moment(_ stored: any StoredValues) throws -> LogMoment? {
        guard let time = try stored.timestamp(1) else { return nil }
        var place: RecordPlace?
        let isThere = unsafe try stored.withBytes(2) { place = unsafe RecordPlace(encoded: $0) }
        guard isThere, let place else {
            throw StoredValueError(
                column: columns[2],
                problem: isThere
                    ? "found bytes that are no place in a log, expected \(RecordPlace.encodedBytes) of them"
                    : "found null beside a time, expected \(RecordPlace.encodedBytes) bytes")
        }
        return LogMoment(time: time, place: place)
    }

    private func read(_ stored: any StoredValues) throws {
        let value: Int64?
        switch type {
        case .text: value = unsafe try stored.withBytes(0) { unsafe text.append(contentsOf: $0) } ? 0 : nil
        case .boolean: value = try stored.boolean(0).map { $0 ? 1 : 0 }
        case .double: value = try stored.double(0).map { Int64(bitPattern: $0.bitPattern) }
        case .decimal(let scale):
            value = try stored.decimal(0).map { found in
                guard let value = found.rescaled(to: scale).flatMap({ Int64(exactly: $0) }) else {
                    throw StoredValueError(
                        column: columns[0],
                        problem: "the stored value does not fit decimal(\(scale)), so it was changed by someone else")
                }
                return value
            }
        case .timestamp: value = try stored.timestamp(0)
        case .integer: value = try stored.integer(0)
        }
        guard let value else {
            throw StoredValueError(column: columns[0], problem: "found null beside a time, expected a value")
        }
        number = value
        if type == .double, !Double(bitPattern: UInt64(bitPattern: value)).isFinite {
            throw StoredValueError(column: columns[0], problem: "the stored value is no finite number")
        }
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        guard let moment else { return sink.appendNull() }
        switch column {
        case 0: writeValue(to: &sink)
        case 1: sink.append(microsecondsSince1970: moment.time)
        default:
            bytes.removeAll(keepingCapacity: true)
            moment.place.encode(into: &bytes)
            sink.append(bytes)
        }
    }

    private func writeValue(to sink: inout some ValueSink) {
        switch type {
        case .text: sink.append(text: text)
        case .boolean: sink.append(number != 0)
        case .double: sink.append(Double(bitPattern: UInt64(bitPattern: number)))
        case .decimal(let scale): sink.append(Int128(number), scale: scale)
        case .timestamp: sink.append(microsecondsSince1970: number)
        case .integer: sink.append(number)
        }
    }
}
