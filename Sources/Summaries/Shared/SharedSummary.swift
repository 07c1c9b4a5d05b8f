import Declaration

/// Summaries of the same records that are counted as one: the groups of each are those of the finest of them, or are made
/// of these when an epoch closes; equal metrics are kept once; and each sees of it what it asked for.
package struct SharedSummary: Sendable {
    /// What one of the summaries sees.
    package struct View: Sendable {
        /// The summary as it was asked for.
        package var plan: SummaryPlan
        /// Where its windows stand among all; one without windows has one place, 0.
        var windows: [Int]
        /// Where its grouping sets stand among all.
        var sets: [Int]
        /// Where its metrics stand among all.
        package var metrics: [Int]
    }

    /// What is counted: the first summary, with the windows, grouping sets and metrics of all of them.
    package let plan: SummaryPlan
    /// What each summary sees of it.
    package let views: [View]

    /// - Parameter plans: at least one; all the others group like the first or follow from it.
    package init(of plans: [SummaryPlan]) {
        var all = plans[0]
        var sets = all.sets
        all.metrics = []
        let views = plans.map { plan in
            precondition(plan.groups(like: plans[0]) || plan.follows(from: plans[0]), "these do not belong together")
            let windows = plan.windows.map { window in
                all.windows.position(orAppending: window) { $0.function.definition == window.function.definition }
            }
            let own = plan.sets.map { set in
                let columns = set.keys.map { plan.keys[$0].column }
                let keys = columns.compactMap { column in all.keys.firstIndex { $0.column == column } }
                let set = GroupingSet(keys, of: all.keys)
                return sets.position(orAppending: set) { $0 == set }
            }
            let metrics = plan.metrics.map { metric in
                all.metrics.position(orAppending: metric) { $0.computesSame(as: metric) }
            }
            return View(plan: plan, windows: windows.isEmpty ? [0] : windows, sets: own, metrics: metrics)
        }
        all.windows = NamedWindow.list(all.windows.map(\.function))
        if sets.count > 1 || all.groupingSets != nil { all.groupingSets = sets }
        all.wanted = Set(
            views.flatMap { view in
                view.windows.flatMap { window in view.sets.map { window * sets.count + $0 } }
            })
        plan = all
        self.views = views
    }

    /// Whether anything is saved: several summaries, or a metric that is there twice.
    package var isOfUse: Bool { views.count > 1 || views.contains { $0.metrics.count > plan.metrics.count } }
}

extension SharedSummary {
    /// Which of some summaries of the same records are counted together.
    /// - Returns: for each such company, the positions of its members, the finest first.
    package static func companies(of plans: [SummaryPlan]) -> [[Int]] {
        // Those that group alike are one, with the metrics of all.
        var classes: [(members: [Int], plan: SummaryPlan)] = []
        for (position, plan) in plans.enumerated() {
            let known = classes.firstIndex { $0.plan.groups(like: plan) }
            guard let known else {
                classes.append(([position], plan))
                continue
            }
            classes[known].members.append(position)
            classes[known].plan.metrics += plan.metrics
        }
        // Of two that follow from each other the first leads.
        func follows(_ one: Int, _ other: Int) -> Bool {
            one != other && classes[one].plan.follows(from: classes[other].plan)
                && (other < one || !classes[other].plan.follows(from: classes[one].plan))
        }
        let leaders = classes.indices.filter { one in !classes.indices.contains { follows(one, $0) } }
        return leaders.map { leader in
            let followers = classes.indices.filter { one in
                !leaders.contains(one) && leaders.first { follows(one, $0) } == leader
            }
            return classes[leader].members + followers.flatMap { classes[$0].members }
        }
    }
}

extension SummaryPlan {
    /// Whether it makes the same groups of the same records as another summary of the same input.
    package func groups(like other: SummaryPlan) -> Bool {
        keys.map(\.column) == other.keys.map(\.column) && groupingSets == other.groupingSets
            && windows.map(\.function.definition) == other.windows.map(\.function.definition)
            && judges(like: other)
    }

    /// Whether all of its rows can be made of those of another summary of the same input, at no cost per record.
    func follows(from finer: SummaryPlan) -> Bool {
        guard judges(like: finer), zoneField == nil, finer.zoneField == nil, windows.isEmpty == finer.windows.isEmpty,
            windows.allSatisfy({ window in finer.windows.contains { window.function.isMade(of: $0.function) } })
        else { return false }
        let finerSets = finer.sets.map { set in Set(set.keys.map { finer.keys[$0].column }) }
        return sets.allSatisfy { set in finerSets.contains { $0.isSuperset(of: set.keys.map { keys[$0].column }) } }
            && metrics.allSatisfy { metric in finer.metrics.contains { $0.computesSame(as: metric) } }
    }

    /// Whether it takes and refuses the same records.
    private func judges(like other: SummaryPlan) -> Bool {
        eventTimeColumn == other.eventTimeColumn && bounds?.definition == other.bounds?.definition
    }
}

extension WindowFunction {
    /// Whether its windows are made of whole windows of another function.
    fileprivate func isMade(of finer: any WindowFunction) -> Bool {
        if definition == finer.definition { return true }
        guard windowsPerPane == 1, finer.windowsPerPane == 1, let step = finer.windowLength else { return false }
        if let windowLength { return windowLength % step == 0 }
        // Windows of the calendar. Where a zone's offset is no whole number of quarters of an hour, as of old, panes are cut
        // there, which is right as well.
        let (quarter, day): (Int64, Int64) = (900_000_000, 86_400_000_000)
        return quarter % step == 0 && longest >= day
    }
}

extension MetricPlan {
    /// Whether its states are those of another metric of the same input, whatever it is called and however it is shown.
    func computesSame(as other: MetricPlan) -> Bool {
        metric.identity == other.metric.identity && metric.fields.map(\.column) == other.metric.fields.map(\.column)
            // By bytes: to Swift, two Unicode forms of a text are equal; to the engine and to Postgres they are two texts.
            && conditionText.map { Array($0.utf8) } == other.conditionText.map { Array($0.utf8) }
    }
}

extension Array {
    /// The position of the first element that meets a condition, or of the new one that is appended when there is none.
    fileprivate mutating func position(orAppending element: Element, _ isSame: (Element) -> Bool) -> Int {
        if let known = firstIndex(where: isSame) { return known }
        append(element)
        return count - 1
    }
}
