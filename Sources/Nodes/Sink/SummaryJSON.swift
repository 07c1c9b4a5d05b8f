import Dataflow
import Foundation
import Sketches

/// A group as one line of JSON, for people.
enum SummaryJSON {
    /// Keys in the order of the table's columns, without those that the group's set does not have.
    static func line(_ groups: SetGroups, _ group: Int) -> String {
        let plan = groups.plan
        var fields: [(String, String)] = []
        if let window = groups.windowStart(ofGroup: group) { fields.append(("window_start", quote(time(window)))) }
        if plan.groupingSets != nil { fields.append(("grouping_set", quote(groups.set.name))) }
        for index in groups.set.keys {
            fields.append((plan.keys[index].name, value(of: plan.keys[index], index, groups, group)))
        }
        for (metric, state) in zip(plan.metrics, groups.states) { fields += values(metric, state, group) }
        return "{" + fields.map { "\(quote($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
    }

    private static func value(of key: SummaryPlan.Key, _ index: Int, _ groups: SetGroups, _ group: Int) -> String {
        if key.type == .text {
            guard let text = unsafe groups.keyText(index, ofGroup: group) else { return "null" }
            return unsafe quote(String(decoding: text, as: UTF8.self))
        }
        guard let value = groups.keyInteger(index, ofGroup: group) else { return "null" }
        switch key.type {
        case .boolean: return value == 0 ? "false" : "true"
        case .decimal(let scale): return decimal(Int128(value), scale)
        case .timestamp: return quote(time(value))
        default: return String(value)
        }
    }

    private static func values(_ metric: MetricPlan, _ state: any MetricState, _ group: Int) -> [(String, String)] {
        let name = metric.name
        switch (metric.function, state) {
        case (.count, let state as CountState): return [(name, String(state.count(ofGroup: group)))]
        case (.sum, let state as SumState):
            return [(name, state.sum(ofGroup: group).map { decimal($0, metric.sumScale) } ?? "null")]
        case (.avg, let state as SumState):
            let mean = state.sum(ofGroup: group).map {
                ExactSum.mean($0, scale: metric.sumScale, count: state.count(ofGroup: group))
            }
            return [(name, mean.map { "\($0)" } ?? "null")]
        case (.uniques, let state as UniquesState):
            return [(name, String(Int64(state.table.estimate(group: group).rounded())))]
        case (.percentiles(let percentiles), let state as PercentilesState):
            return percentiles.map { percentile in
                let value = state.table.quantile(group: group, percentile.percent / 100)
                return (name + "_" + percentile.columnSuffix, value.map { "\($0)" } ?? "null")
            }
        case (_, let state as ExtremeState<Double>):
            return [(name, state.value(ofGroup: group).map { "\($0)" } ?? "null")]
        case (_, let state as ExtremeState<Int64>):
            return [(name, state.value(ofGroup: group).map { extreme($0, metric.type) } ?? "null")]
        default: preconditionFailure("metric \(name) has a state of another metric")
        }
    }

    private static func extreme(_ value: Int64, _ type: ColumnType?) -> String {
        switch type {
        case .decimal(let scale)?: decimal(Int128(value), scale)
        case .timestamp?: quote(time(value))
        default: String(value)
        }
    }

    private static func decimal(_ value: Int128, _ scale: Int) -> String {
        guard scale > 0 else { return String(value) }
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    private static func time(_ microseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000).formatted(.iso8601)
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..<" ":
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
