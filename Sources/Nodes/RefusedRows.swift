import Dataflow

extension Batch {
    /// Makes dead letters of those of the selected rows that are to be refused.
    /// - Parameters:
    ///   - node: the node that refuses them.
    ///   - isDead: false when they could be stored and are too late or too early.
    ///   - fault: asked with places in the selection, in order, what is wrong with a row; nil for nothing.
    /// - Returns: the other rows.
    func refuse(
        _ rows: RowSelection, by node: String, isDead: Bool = true, _ fault: (_ index: Int) -> RecordFault?
    ) -> [UInt32] {
        var finder = DocumentFinder()
        finder.find(in: self)
        var (kept, letters) = ([UInt32](), DeadLetterWriter(self, finder.documents, node: node))
        for index in 0..<rows.count {
            let row = rows[index]
            if let fault = fault(index) {
                markRefused(row, letters.letter(for: row, fault), by: node, isDead: isDead)
            } else {
                kept.append(UInt32(row))
            }
        }
        return kept
    }
}
