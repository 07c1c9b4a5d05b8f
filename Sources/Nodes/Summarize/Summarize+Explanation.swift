package import Declaration
import Summaries

extension SummaryPlan: Explainable {
    package var explanation: [String] { boundsLines + countingLines + metricLines }

    package func sharing(with siblings: [(node: String, plan: any StagePlan)]) -> [String] {
        Summarize.Sharing(of: self, among: siblings)?.explanation ?? []
    }

    private var boundsLines: [String] { bounds.map { ["refuses a record unless \($0.definition)"] } ?? [] }

    private var countingLines: [String] {
        let all = sets
        let derivation = SetDerivation(all)
        let derived = derivation.derived.map { all[$0].name }
        let counted = all.indices.filter { !derivation.derived.contains($0) }.map { all[$0].name }
        var lines: [String] = []
        let names = windows.map(\.name).joined(separator: ", ")
        if windows.count > 1 {
            lines.append(
                "counts each record once, in panes that all windows (\(names)) are made of; windows are merged from "
                    + "panes at each commit"
            )
        } else if let window = windows.first {
            let perPane = window.function.windowsPerPane
            lines.append(
                perPane > 1
                    ? "counts each record once, in a pane that is part of \(perPane) windows of \(names), merged at each "
                        + "commit"
                    : "counts each record in its window of \(names)")
        }
        lines.append("finds the group by \(counted.map { $0.isEmpty ? "()" : $0 }.joined(separator: "; and by "))")
        if !derived.isEmpty {
            lines.append("makes \(derived.joined(separator: "; ")) of these groups at each commit, not per record")
        }
        return lines
    }

    private var metricLines: [String] {
        metrics.map { metric in
            let states = metric.columns.filter(\.isMerged).map(\.name).joined(separator: ", ")
            let condition = metric.conditionText.map { " where \($0)" } ?? ""
            return "keeps \(metric.name): \(metric.canonicalCall(separator: " "))\(condition), merged by \(states)"
        }
    }
}
