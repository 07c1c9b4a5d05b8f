import Declaration
import Summaries

extension Summarize {
    /// A node's place among those that are counted as one.
    package struct Sharing: Sendable {
        /// What is counted for all.
        let summary: SharedSummary
        /// The node's position among them.
        let member: Int
        /// The nodes, the one with the finest groups first.
        let nodes: [String]

        /// What the node sees.
        var view: SharedSummary.View { summary.views[member] }
    }
}

extension Summarize.Sharing {
    /// The place of a summary among those of its siblings that are counted as one with it.
    /// - Returns: nil when nothing is saved.
    init?(of plan: SummaryPlan, among siblings: [(node: String, plan: any StagePlan)]) {
        var plans = siblings.compactMap { $0.plan as? SummaryPlan }
        if plans.isEmpty { plans = [plan] }
        let companies = SharedSummary.companies(of: plans).map { $0.map { plans[$0] } }
        guard let company = companies.first(where: { $0.contains { $0.node == plan.node } }),
            let member = company.firstIndex(where: { $0.node == plan.node })
        else { return nil }
        let summary = SharedSummary(of: company)
        guard summary.isOfUse else { return nil }
        self.init(summary: summary, member: member, nodes: company.map(\.node))
    }

    /// What is shared, for people.
    var explanation: [String] {
        var lines: [String] = []
        if let first = summary.views.first, nodes.count > 1 {
            let others = nodes.filter { $0 != nodes[member] }.joined(separator: ", ")
            if member == 0 {
                lines.append("counts for \(others) too")
            } else if view.plan.groups(like: first.plan) {
                lines.append("its groups are those of \(nodes[0]), counted once")
            } else {
                lines.append("its groups are made of those of \(nodes[0]) at each commit, not per record")
            }
        }
        let metrics = summary.plan.metrics.count
        let asked = summary.views.reduce(0) { $0 + $1.metrics.count }
        if metrics < asked, member == 0 {
            lines.append("of \(asked) metrics \(metrics) are different, and kept once each")
        }
        return lines
    }
}
