import Dataflow
import Declaration

/// Tells the records of groups that the database refuses, or whose key no index takes, from all others, before they get
/// into any group.
///
/// One for each counted set. It also answers for the derived sets that it stands above: a record's group there follows
/// from its group here. Groups are looked up once per epoch, in a table of their own: groups that hold no record would be
/// rows that nobody counted.
final class RefusalSieve {
    private let groups: SetGroups
    private let probe: SetGroups
    private let sets: [GroupingSet]
    /// Why the database refuses a group of the probe, or one derived from it, by group number.
    private var faults: [RecordFault?] = []

    /// - Parameter derived: the derived sets it answers for.
    init(_ groups: SetGroups, derived: [GroupingSet]) {
        self.groups = groups
        sets = [groups.set] + derived
        probe = SetGroups(groups.plan, groups.set, metrics: [], dictionary: groups.dictionary)
    }

    /// Bytes allocated, faults apart, of which there are few.
    var memoryBytes: Int { probe.memoryBytes }

    /// Looks at the selected rows of a batch.
    func look(at batch: Batch, _ rows: RowSelection, for refused: RefusedGroups) {
        probe.assign(batch, rows)
        for group in faults.count..<probe.groupCount {
            if let zone = probe.plan.zoneField, probe.zone(ofGroup: group) == nil {
                faults.append(
                    RecordFault(
                        "unknown_zone", field: zone.name,
                        "field \(zone.name) names no time zone, which the record's window depends on"))
                continue
            }
            // Those of all windows, which are the same for every set.
            let starts = probe.plan.windows.map { probe.windowStarts(ofGroup: group, $0.function) }
            let found = sets.lazy.compactMap { [probe] set in
                Self.fault(of: GroupOrder.identity(of: group, in: probe, as: set), starts, refused)
            }
            faults.append(found.first)
        }
    }

    /// Why a group by pane is refused: because one of the groups by window is that it becomes a part of.
    /// - Parameter starts: for each window of the plan, where those begin that the pane is a part of.
    private static func fault(
        of pane: RefusedGroups.Group, _ starts: [[Int64]], _ refused: RefusedGroups
    ) -> RecordFault? {
        if pane.key.count > SummaryPlan.keyBytesMax { return longKey }
        guard !refused.isEmpty else { return nil }
        guard !starts.isEmpty else { return refused.fault(of: pane) }
        for (window, starts) in starts.enumerated() {
            for start in starts {
                let group = RefusedGroups.Group(window: window, windowStart: start, key: pane.key)
                if let fault = refused.fault(of: group) { return fault }
            }
        }
        return nil
    }

    /// One text for all, so that they are one cause.
    private static let longKey = RecordFault(
        "long_key",
        "the fields it is grouped by take more than the \(SummaryPlan.keyBytesMax) bytes that an index row of Postgres holds"
    )

    /// Why the `index`-th row of those looked at is refused, nil when it is not.
    func fault(ofRow index: Int) -> RecordFault? { faults[probe.group(ofRow: index)] }

    /// Finds or makes the groups of the rows that are taken, given as positions among those looked at.
    func assign(_ taken: [Int]) {
        groups.assign(taken.count, groupsOf: probe) { probe.group(ofRow: taken[$0]) }
    }
}
