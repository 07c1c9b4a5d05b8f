import Dataflow
import Foundation
import Summaries

extension Batch {
    /// Refuses those of the selected rows whose event time is out of bounds.
    /// - Parameters:
    ///   - column: the event time.
    ///   - kept: gets the other rows.
    /// - Returns: whether any was refused; if not, `kept` is left alone.
    func keep(
        _ rows: RowSelection, within bounds: EventTimeBounds, _ column: Int, by node: String, into kept: inout [UInt32]
    ) -> Bool {
        guard !clockTimes.isEmpty else { return false }
        let times = columns[column]
        func verdict(_ row: Int) -> EventTimeBounds.Verdict {
            guard unsafe times.valid[row] != 0 else { return .taken }
            return unsafe bounds.verdict(
                on: times.integers[row], clock: clockTimes[row], message: messages[Int(rowMessages[row])].timestamp)
        }
        guard (0..<rows.count).contains(where: { verdict(rows[$0]) != .taken }) else { return false }
        var finder = DocumentFinder()
        finder.find(in: self)
        var letters = DeadLetterWriter(self, finder.documents, node: node)
        kept.removeAll(keepingCapacity: true)
        for index in 0..<rows.count {
            let row = rows[index]
            guard let fault = bounds.fault(verdict(row)) else {
                kept.append(UInt32(row))
                continue
            }
            var letter = letters.letter(for: row, fault)
            letter.fault.found = unsafe Date(timeIntervalSince1970: Double(times.integers[row]) / 1_000_000)
                .formatted(.iso8601)
            markRefused(row, letter, isDead: false)
        }
        return true
    }
}
