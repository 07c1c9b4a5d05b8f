import Dataflow
import Foundation
import Summaries

extension Batch {
    /// Refuses those of the selected rows whose event time is out of bounds.
    /// - Parameter column: the event time.
    /// - Returns: the other rows; nil when none was refused.
    func keep(
        _ rows: RowSelection, within bounds: EventTimeBounds, _ column: Int, by node: String
    ) -> [UInt32]? {
        guard !clockTimes.isEmpty else { return nil }
        let times = columns[column]
        func verdict(_ row: Int) -> EventTimeBounds.Verdict {
            guard unsafe times.valid[row] != 0 else { return .taken }
            return unsafe bounds.verdict(on: times.integers[row], clock: clockTimes[row], written: writtenBy(row))
        }
        func witness(of row: Int) -> String? {
            messageTime(of: row) != nil ? "its message" : writtenBy == nil ? nil : "its file's last change"
        }
        guard (0..<rows.count).contains(where: { verdict(rows[$0]) != .taken }) else { return nil }
        return refuse(rows, by: node, isDead: false) { index in
            guard var fault = bounds.fault(verdict(rows[index]), witness: witness(of: rows[index])) else { return nil }
            fault.found = unsafe Date(timeIntervalSince1970: Double(times.integers[rows[index]]) / 1_000_000)
                .formatted(.iso8601)
            return fault
        }
    }
}
