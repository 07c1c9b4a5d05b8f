import Declaration

/// Summaries that group the same records alike: they are counted as one, with each group found once and equal metrics kept
/// once, and each sees of it what it asked for.
package struct SharedSummary: Sendable {
    /// What is counted: the first summary, with the metrics of all of them.
    package let plan: SummaryPlan
    /// For each summary, where its metrics stand among those of `plan`.
    package let places: [[Int]]

    /// - Parameter plans: at least one; all group alike.
    package init(of plans: [SummaryPlan]) {
        precondition(plans.dropFirst().allSatisfy { $0.groups(like: plans[0]) }, "these summaries group differently")
        var all = plans[0]
        all.metrics = []
        places = plans.map { plan in
            plan.metrics.map { metric in
                if let known = all.metrics.firstIndex(where: { $0.computesSame(as: metric) }) { return known }
                all.metrics.append(metric)
                return all.metrics.count - 1
            }
        }
        plan = all
    }

    /// Whether anything is saved: several summaries, or a metric that is there twice.
    package var isOfUse: Bool { places.count > 1 || plan.metrics.count < (places.first?.count ?? 0) }
}

extension SummaryPlan {
    /// Whether it makes the same groups of the same records as another summary of the same input.
    package func groups(like other: SummaryPlan) -> Bool {
        keys.map(\.column) == other.keys.map(\.column) && keys.map(\.name) == other.keys.map(\.name)
            && groupingSets == other.groupingSets
            && windows.map(\.function.definition) == other.windows.map(\.function.definition)
            && eventTimeColumn == other.eventTimeColumn && zoneField?.column == other.zoneField?.column
            && bounds?.definition == other.bounds?.definition
    }
}

extension MetricPlan {
    /// Whether its states are those of another metric of the same input, whatever it is called and however it is shown.
    package func computesSame(as other: MetricPlan) -> Bool {
        metric.identity == other.metric.identity && metric.fields.map(\.column) == other.metric.fields.map(\.column)
            && conditionText == other.conditionText
    }
}
