import Dataflow
package import Declaration
package import Expressions
package import Summaries

/// A toy metric: how far the whole numbers of a field lie apart.
package struct Spread: Metric, MetricType {
    package let name: String
    private let field: RecordSchema.Field

    package static let spec = MetricSpec(
        name: "spread", otherNames: ["range"], signature: "spread(f)", summary: "how far whole numbers lie apart")

    package static func compile(
        _ call: MetricCall, named name: String, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any Metric)? {
        call.onlyField(in: input, spec, expected: "integer", &problems) { $0 == .integer }
            .map { Spread(name: name, field: $0) }
    }

    package var fields: [RecordSchema.Field] { [field] }
    package var identity: MetricIdentity { MetricIdentity("spread") }
    package var columns: [ResultColumn] {
        [.shown(name, .integer), .state(name + "_least", .integer), .state(name + "_most", .integer)]
    }

    package func makeState() -> any MetricState { State(column: field.column) }
    package func makeResult() -> any MetricResult { Result(columns) }

    private final class State: MetricState {
        let column: Int
        var ranges: [ClosedRange<Int64>?] = []

        init(column: Int) { self.column = column }

        func grow(to groups: Int) {
            if groups > ranges.count { ranges += Array(repeating: nil, count: groups - ranges.count) }
        }

        func update(_ batch: Batch, _ rows: RowSelection, _ groups: UnsafePointer<UInt32>) {
            for index in 0..<rows.count where unsafe batch.columns[column].valid[rows[index]] != 0 {
                let value = unsafe batch.columns[column].integers[rows[index]]
                let group = unsafe Int(groups[index])
                ranges[group] = Spread.union(ranges[group], value...value)
            }
        }

        func absorb(_ other: any MetricState, _ map: UnsafePointer<UInt32>) {
            guard let other = other as? State else { preconditionFailure("merged with another metric") }
            for (group, range) in other.ranges.enumerated() {
                let mine = unsafe Int(map[group])
                ranges[mine] = Spread.union(ranges[mine], range)
            }
        }

        var memoryBytes: Int { ranges.capacity * MemoryLayout<ClosedRange<Int64>?>.stride }
    }

    private final class Result: MetricResult {
        private let columns: [String]
        private var range: ClosedRange<Int64>?

        init(_ columns: [ResultColumn]) { self.columns = columns.map(\.name) }

        func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
            guard let state = state as? State else { preconditionFailure("a spread of another metric's state") }
            range = state.ranges[group]
            guard let least = try stored?.integer(1), let most = try stored?.integer(2) else { return }
            guard least <= most else {
                throw StoredValueError(column: columns[1], problem: "found \(least), expected at most \(most)")
            }
            range = Spread.union(range, least...most)
        }

        func write(_ column: Int, to sink: inout some ValueSink) {
            switch column {
            case 0: sink.append(range.map { $0.upperBound - $0.lowerBound })
            case 1: sink.append(range?.lowerBound)
            default: sink.append(range?.upperBound)
            }
        }
    }

    private static func union(_ left: ClosedRange<Int64>?, _ right: ClosedRange<Int64>?) -> ClosedRange<Int64>? {
        guard let left, let right else { return left ?? right }
        return min(left.lowerBound, right.lowerBound)...max(left.upperBound, right.upperBound)
    }
}
