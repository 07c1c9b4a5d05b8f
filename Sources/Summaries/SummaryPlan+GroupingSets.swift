import Dataflow
import Declaration

extension SummaryPlan {
    /// The most grouping sets of one node.
    static let setsMax = 64

    /// Reads what a node groups by.
    mutating func readGrouping(_ grouping: Grouping, _ input: RecordSchema, _ problems: inout Diagnostics) {
        switch grouping.form {
        case .by: readKeys(grouping, input, &problems)
        case .groupingSets: readSets(grouping.value, input, &problems)
        case .rollup, .cube: expand(grouping, input, &problems)
        }
    }

    /// Reads a list of fields, each of which becomes a key.
    private mutating func readKeys(_ grouping: Grouping, _ input: RecordSchema, _ problems: inout Diagnostics) {
        var seen: Set<String> = []
        for value in grouping.value.list ?? [] {
            guard let name = value.string else { continue }
            guard seen.insert(name).inserted else {
                problems.append(
                    Diagnostic(
                        code: "duplicate-key", at: value.location, "\(name) is in `\(grouping.form.rawValue)` twice"))
                continue
            }
            if let key = Self.key(value, input, &problems) { keys.append(key) }
        }
    }

    /// Reads `rollup` or `cube` and writes its sets out: from then on they are grouping sets like others.
    private mutating func expand(_ grouping: Grouping, _ input: RecordSchema, _ problems: inout Diagnostics) {
        guard let fields = grouping.value.list else { return }
        let form = grouping.form.rawValue
        guard !fields.isEmpty else {
            problems.append(
                Diagnostic(
                    code: "set-count", at: grouping.value.location,
                    "found no fields in `\(form)`, expected at least one",
                    hint: "for one row per window over all records, leave it out"))
            return
        }
        let count = grouping.setCount(of: fields.count)
        guard let count, count <= Self.setsMax else {
            problems.append(
                Diagnostic(
                    code: "set-count", at: grouping.value.location,
                    "a \(form) of \(fields.count) fields makes \(count.map { "\($0)" } ?? "2^\(fields.count)") grouping "
                        + "sets, expected at most \(Self.setsMax)",
                    hint: "leave fields out, or write the sets that are wanted as grouping_sets"))
            return
        }
        readKeys(grouping, input, &problems)
        groupingSets = grouping.sets(of: keys.count).map { GroupingSet($0, of: keys) }
    }

    /// Reads `grouping_sets`: the keys are the fields of all sets in order of first appearance.
    private mutating func readSets(
        _ declaration: ConfigValue, _ input: RecordSchema, _ problems: inout Diagnostics
    ) {
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
