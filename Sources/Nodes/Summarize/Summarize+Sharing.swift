import Declaration
import Summaries

extension Summarize {
    /// A node's place among those that are counted as one.
    package struct Sharing: Sendable {
        /// What is counted for all.
        let summary: SharedSummary
        /// The node's position among them.
        let member: Int
        /// The nodes.
        let nodes: [String]
    }
}

extension Summarize.Sharing {
    /// The place of a summary among those of its siblings that group like it.
    /// - Returns: nil when nothing is saved.
    init?(of plan: SummaryPlan, among siblings: [(node: String, plan: any StagePlan)]) {
        var alike = siblings.compactMap { $0.plan as? SummaryPlan }.filter { $0.groups(like: plan) }
        if alike.isEmpty { alike = [plan] }
        let shared = SharedSummary(of: alike)
        guard shared.isOfUse, let member = alike.firstIndex(where: { $0.node == plan.node }) else { return nil }
        self.init(summary: shared, member: member, nodes: alike.map(\.node))
    }

    /// What is shared, for people.
    var explanation: [String] {
        var lines: [String] = []
        if let first = nodes.first, nodes.count > 1 {
            let others = nodes.filter { $0 != nodes[member] }.joined(separator: ", ")
            lines.append(
                member == 0
                    ? "its groups are found once, for \(others) too" : "its groups are found with those of \(first)")
        }
        let metrics = summary.plan.metrics.count
        let asked = summary.places.reduce(0) { $0 + $1.count }
        if metrics < asked, member == 0 {
            lines.append("of \(asked) metrics \(metrics) are different, and kept once each")
        }
        return lines
    }
}
