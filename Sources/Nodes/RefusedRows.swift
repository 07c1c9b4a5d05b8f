import Dataflow

extension Batch {
    /// Makes dead letters of those of the selected rows that are to be refused.
    /// - Parameter isRefused: asked with places in the selection, in order.
    /// - Returns: the other rows.
    func refuse(
        _ rows: RowSelection, because reason: String, _ isRefused: (_ index: Int) -> Bool
    ) -> [UInt32] {
        var finder = DocumentFinder()
        finder.find(in: self)
        var (kept, letters) = ([UInt32](), DeadLetterWriter(self, finder.documents))
        for index in 0..<rows.count {
            let row = rows[index]
            if isRefused(index) {
                markRefused(row, letters.letter(for: row, reason: reason))
            } else {
                kept.append(UInt32(row))
            }
        }
        return kept
    }
}
