import Declaration
import LookupSources
import Lookups

extension LookupPlan: Explainable {
    var explanation: [String] {
        let keys = keys.map(\.field).joined(separator: ", ")
        let added = cells.map(\.name).joined(separator: ", ")
        var lines = ["finds rows of \(origin.name) by \(keys), 32 records at a time, in memory; adds \(added)"]
        if validity != nil { lines.append("takes the row that held at the event time") }
        lines.append("loaded before the first record, and again every \(schedule.every) on a thread of its own")
        switch missing {
        case .null: break
        case .drop: lines.append("records without a row go no further")
        case .deadLetter: lines.append("dead letter without a row")
        }
        return lines
    }

    var filledFields: [String] { cells.map(\.name) }
}
