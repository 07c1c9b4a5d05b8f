import Dataflow
import Foundation
import Sketches

/// Groups as lines of JSON, for people.
package struct SummaryJSON {
    /// The lines so far, each with its newline.
    package private(set) var bytes: [UInt8] = []
    private let plan: SummaryPlan
    /// One per metric that needs it, reused: asking a table for each percentile would make a sketch each time.
    private var histograms: [ExponentialHistogram?]
    /// Of a group's doubles, reused.
    private var sum = DoubleSum()
    private var lastTime: (microseconds: Int64, text: String)?
    private var isFirst = true
    /// `"name": ` of each key, metric and, for percentiles, each of its columns.
    private let keyNames: [[UInt8]]
    private let metricNames: [[[UInt8]]]

    package init(_ plan: SummaryPlan) {
        self.plan = plan
        keyNames = plan.keys.map { Self.label($0.name) }
        metricNames = plan.metrics.map { metric in
            metric.columns.filter { $0.role == .shown }.map { Self.label($0.name) }
        }
        histograms = plan.metrics.map { metric in
            guard case .percentiles = metric.function else { return nil }
            return ExponentialHistogram(kind: QuantileValueKind(metric.type ?? .double))
        }
    }

    /// One line, without its newline.
    package static func line(_ groups: SetGroups, _ group: Int) -> String {
        var json = SummaryJSON(groups.plan)
        json.appendLine(groups, group)
        return String(decoding: json.bytes.dropLast(), as: UTF8.self)
    }

    /// The keys of a group, which tell its row from all others of the table.
    package static func keys(_ groups: SetGroups, _ group: Int) -> String {
        var json = SummaryJSON(groups.plan)
        json.appendKeys(groups, group)
        return String(decoding: json.bytes, as: UTF8.self) + "}"
    }

    /// Gives the lines away.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll() }
        return bytes
    }

    private static func label(_ name: String) -> [UInt8] { Array("\"\(name)\": ".utf8) }

    /// Appends text as it is.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends a group: keys in the order of the table's columns, without those that its set does not have.
    package mutating func appendLine(_ groups: SetGroups, _ group: Int) {
        appendKeys(groups, group)
        for (index, state) in groups.states.enumerated() { metric(index, state, group) }
        append("}\n")
    }

    /// Appends the keys of a group and leaves the line open.
    private mutating func appendKeys(_ groups: SetGroups, _ group: Int) {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
        if let window = groups.windowStart(ofGroup: group) {
            name(Self.windowName)
            time(window)
        }
        if plan.groupingSets != nil {
            name(Self.setName)
            quote(groups.set.name.utf8)
        }
        for index in groups.set.keys {
            name(keyNames[index])
            key(plan.keys[index].type, index, groups, group)
        }
    }

    private static let windowName = label("window_start")
    private static let setName = label("grouping_set")

    private mutating func name(_ label: [UInt8]) {
        if !isFirst {
            bytes.append(UInt8(ascii: ","))
            bytes.append(UInt8(ascii: " "))
        }
        bytes.append(contentsOf: label)
        isFirst = false
    }

    private mutating func key(_ type: ColumnType, _ index: Int, _ groups: SetGroups, _ group: Int) {
        if type == .text {
            if let text = unsafe groups.keyText(index, ofGroup: group) { unsafe quote(text) } else { append("null") }
            return
        }
        guard let value = groups.keyInteger(index, ofGroup: group) else { return append("null") }
        switch type {
        case .boolean: append(value == 0 ? "false" : "true")
        case .decimal(let scale): append(Self.decimal(Int128(value), scale))
        case .timestamp: time(value)
        default: append(value)
        }
    }

    private mutating func metric(_ index: Int, _ state: any MetricState, _ group: Int) {
        let metric = plan.metrics[index]
        if case .percentiles(let percentiles) = metric.function, let state = state as? PercentilesState {
            return self.percentiles(percentiles, index, state, group)
        }
        name(metricNames[index][0])
        switch (metric.function, state) {
        case (.count, let state as CountState): append(state.count(ofGroup: group))
        case (.sum, let state as SumState):
            append(state.sum(ofGroup: group).map { Self.decimal($0, metric.sumScale) } ?? "null")
        case (.sum, let state as DoubleSumState): doubleSum(state, group) { $0.append($0.sum) }
        case (.avg, let state as DoubleSumState):
            doubleSum(state, group) { $0.append($0.sum.mean(of: UInt64(state.count(ofGroup: group)))) }
        case (.avg, let state as SumState):
            append(
                state.sum(ofGroup: group).map {
                    ExactSum.mean($0, scale: metric.sumScale, count: state.count(ofGroup: group))
                })
        case (.uniques, let state as UniquesState):
            append(
                UniquesState.shown(
                    state.table.estimate(group: group), values: state.valueCount(ofGroup: group)))
        case (_, let state as ExtremeState<Double>): append(state.value(ofGroup: group))
        case (_, let state as ExtremeState<Int64>):
            guard let value = state.value(ofGroup: group) else { return append("null") }
            extreme(value, metric.type)
        default: preconditionFailure("metric \(metric.name) has a state of another metric")
        }
    }

    private mutating func percentiles(
        _ percentiles: [MetricPlan.Percentile], _ index: Int, _ state: PercentilesState, _ group: Int
    ) {
        histograms[index]!.reset()
        do { try state.load(group: group, into: &histograms[index]!) } catch {
            preconditionFailure("an empty sketch takes any group")
        }
        for (column, percentile) in percentiles.enumerated() {
            name(metricNames[index][column])
            append(histograms[index]!.quantile(percentile.percent / 100))
        }
    }

    private mutating func extreme(_ value: Int64, _ type: ColumnType?) {
        switch type {
        case .decimal(let scale)?: append(Self.decimal(Int128(value), scale))
        case .timestamp?: time(value)
        default: append(value)
        }
    }

    /// Appends what is made of the sum of a group's doubles, `null` without values.
    private mutating func doubleSum(
        _ state: DoubleSumState, _ group: Int, _ append: (inout SummaryJSON) -> Void
    ) {
        sum.reset()
        do { try state.load(group: group, into: &sum) } catch { preconditionFailure("an empty sum takes any group") }
        if sum.isEmpty { self.append("null") } else { append(&self) }
    }

    /// Appends the nearest double; beyond the largest, digits and exponent, which JSON has too.
    private mutating func append(_ sum: DoubleSum) {
        if let nearest = sum.nearest { return append(nearest) }
        let shown = sum.decimal
        append("\(shown.isNegative ? "-" : "")\(shown.digits)e\(shown.exponent)")
    }

    /// Appends a number as Swift describes it, `null` for nil and for what JSON does not have. Values of whole numbers are
    /// mostly whole; -0 is 0.
    private mutating func append(_ value: Double?) {
        guard let value = value.map({ $0 + 0 }), value.isFinite else { return append("null") }
        guard value.magnitude < 1e15, value.rounded(.towardZero) == value, value != 0 else {
            return append(value.description)
        }
        append(Int64(value))
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0"))
    }

    private mutating func append(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = digits.count
            repeat {
                first -= 1
                unsafe digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }

    private static func decimal(_ value: Int128, _ scale: Int) -> String {
        guard scale > 0 else { return String(value) }
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    /// Groups come window by window, so the last time is mostly the next one too.
    private mutating func time(_ microseconds: Int64) {
        if lastTime?.microseconds != microseconds {
            let date = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
            lastTime = (microseconds, "\"" + date.formatted(.iso8601) + "\"")
        }
        append(lastTime?.text ?? "null")
    }

    private mutating func quote(_ text: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
