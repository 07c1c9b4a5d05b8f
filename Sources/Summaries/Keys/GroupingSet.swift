/// The fields that one kind of row is grouped by: some of a plan's keys.
package struct GroupingSet: Sendable, Hashable {
    /// Positions in the plan's keys, ascending.
    package var keys: [Int]
    /// What rows of the set have in the column `grouping_set`: the fields' names joined by commas, `()` without fields.
    package var name: String

    /// The set of these keys of a plan.
    package init(_ keys: [Int], of plan: [SummaryPlan.Key]) {
        self.keys = keys.sorted()
        name = keys.isEmpty ? "()" : self.keys.map { plan[$0].name }.joined(separator: ",")
    }

    /// Whether every field of `other` is in this set too.
    func contains(_ other: GroupingSet) -> Bool { Set(keys).isSuperset(of: other.keys) }
}

/// Which grouping sets are counted event by event, and which are made of finer ones when an epoch closes.
///
/// A set that no other set contains is counted. All others follow from one that contains them, by merging: no event is
/// counted twice for them, and there is no group that nobody asked for.
package struct SetDerivation: Sendable {
    /// The sets that are counted, as positions in the plan's sets, ascending.
    let counted: [Int]
    /// The others, finer ones first.
    package let derived: [Int]
    /// For each derived set, the sets that contain it, ascending.
    let parents: [Int: [Int]]

    package init(_ sets: [GroupingSet]) {
        var counted: [Int] = []
        var parents: [Int: [Int]] = [:]
        for (position, set) in sets.enumerated() {
            let containing = sets.indices.filter { $0 != position && sets[$0].contains(set) }
            if containing.isEmpty { counted.append(position) } else { parents[position] = containing }
        }
        self.counted = counted
        self.parents = parents
        derived = parents.keys.sorted { (-sets[$0].keys.count, $0) < (-sets[$1].keys.count, $1) }
    }

    /// The set to derive another one from: of the sets that contain it, which are all complete by then, the one with the
    /// fewest groups; the first in the file of those.
    func parent(of set: Int, groupCount: (Int) -> Int) -> Int {
        guard let best = parents[set]?.min(by: { (groupCount($0), $0) < (groupCount($1), $1) }) else {
            preconditionFailure("a set that nothing contains is counted, not derived")
        }
        return best
    }

    /// The first counted set that contains a derived one: every group of the latter is made of groups of the former.
    func countedParent(of set: Int) -> Int {
        guard let first = parents[set]?.first(where: counted.contains) else {
            preconditionFailure("above every derived set stands a counted one")
        }
        return first
    }
}
