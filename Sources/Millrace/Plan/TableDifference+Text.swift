import Catalog
import Foundation

extension TableDifference {
    /// In words.
    var text: String {
        var lines = ["table \(table)"]
        if !isComparable {
            lines.append("  its rows have another key: they cannot be compared one by one")
        } else {
            lines.append(
                "  \(ProgressReporter.count(both)) rows in both, \(ProgressReporter.count(onlyLive)) only in what runs, "
                    + "\(ProgressReporter.count(onlyRebuild)) only in the rebuild")
            for column in columns where column.different > 0 {
                let share = column.largest.map { ", by \(Self.percent($0)) at most" } ?? ""
                lines.append(
                    "  \(column.name): different in \(ProgressReporter.count(column.different)) of "
                        + "\(ProgressReporter.count(column.equal + column.different)) rows\(share)")
            }
            let equal = columns.filter { $0.different == 0 }.map(\.name)
            if both > 0, !equal.isEmpty { lines.append("  the same in every row: \(equal.joined(separator: ", "))") }
        }
        if !new.isEmpty { lines.append("  new: \(new.joined(separator: ", "))") }
        if !gone.isEmpty { lines.append("  no longer there: \(gone.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }

    private static func percent(_ share: Double) -> String {
        share < 0.0001 ? "less than 0.01 %" : String(format: "%.2f %%", share * 100)
    }
}
