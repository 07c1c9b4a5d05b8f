import Dataflow
import Declaration

extension SummaryPlan {
    /// The most grouping sets of one node.
    static let setsMax = 64

    /// Reads `grouping_sets`: the keys are the fields of all sets in order of first appearance.
    mutating func readSets(
        _ declaration: ConfigValue, beside by: ConfigValue?, _ input: RecordSchema, _ problems: inout Diagnostics
    ) {
        if let by {
            problems.append(
                Diagnostic(
                    code: "by-and-sets", at: by.location, "found `by` beside `grouping_sets`, expected one of them",
                    hint: "make the fields of `by` one of the grouping sets"))
        }
        guard let lists = declaration.list else { return }
        if lists.isEmpty || lists.count > Self.setsMax {
            problems.append(
                Diagnostic(
                    code: "set-count", at: declaration.location,
                    "found \(lists.isEmpty ? "no" : "\(lists.count)") grouping sets, expected 1 to \(Self.setsMax)",
                    hint: lists.isEmpty ? "for one row per window over all records, write [[]]" : nil))
        }
        // All keys first: a set's name follows their order.
        let fields = lists.map { readFields($0, input, &problems) }
        var sets: [GroupingSet] = []
        var seen: [GroupingSet: SourceLocation] = [:]
        for (list, positions) in zip(lists, fields) {
            guard let positions else { continue }
            let set = GroupingSet(positions, of: keys)
            if let first = seen[set] {
                problems.append(
                    Diagnostic(
                        code: "duplicate-set", at: list.location,
                        "grouping set \(set.name) is there twice, first in line \(first.line), column \(first.column)",
                        hint: "the order of its fields makes no difference"))
            } else {
                seen[set] = list.location
                sets.append(set)
            }
        }
        groupingSets = sets
    }

    /// The positions of a set's fields in `keys`, to which new ones are added; nil when one of them is no good.
    private mutating func readFields(
        _ list: ConfigValue, _ input: RecordSchema, _ problems: inout Diagnostics
    ) -> [Int]? {
        var positions: [Int] = []
        var isRight = !list.isInvalid
        for value in list.list ?? [] {
            guard let key = Self.key(value, input, &problems) else {
                isRight = false
                continue
            }
            let position = keys.firstIndex { $0.name == key.name } ?? keys.count
            if position == keys.count { keys.append(key) }
            if positions.contains(position) {
                problems.append(
                    Diagnostic(
                        code: "duplicate-key", at: value.location, "\(key.name) is in one grouping set twice"))
                isRight = false
            } else {
                positions.append(position)
            }
        }
        return isRight ? positions : nil
    }
}
