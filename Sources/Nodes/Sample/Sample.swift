package import Dataflow
import Platform

/// The `sample` node: passes on a share of the records, the same ones whenever they are read.
///
/// A record is chosen by a hash of its place in the log, or of a field's value, so that neither batches nor workers,
/// restarts or instances make a difference.
package struct Sample: Operator {
    let plan: SamplePlan

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { SampleWorker(plan) }
}

/// One permit of a `sample` node.
final class SampleWorker: OperatorWorker {
    private let plan: SamplePlan
    private var chosen: [UInt32] = []
    private var places = PlaceFinder()

    init(_ plan: SamplePlan) { self.plan = plan }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        chosen.removeAll(keepingCapacity: true)
        if let column = plan.column { choose(by: column, in: batch, rows) } else { chooseByPlace(in: batch, rows) }
        unsafe chosen.withUnsafeBufferPointer { chosen in
            unsafe output(RowSelection(rows: chosen.baseAddress, count: chosen.count))
        }
    }

    private func choose(by column: Int, in batch: Batch, _ rows: RowSelection) {
        let hashes = unsafe batch.hashes(ofColumn: column)
        let valid = unsafe batch.columns[column].valid
        for index in 0..<rows.count {
            let row = rows[index]
            // A missing value is a value of its own.
            let hash = unsafe valid[row] == 0 ? SamplePlan.absent : hashes[row]
            if plan.takes(hash) { chosen.append(UInt32(row)) }
        }
    }

    /// Chooses by the topic, the partition, the message's offset and the record's place in it.
    private func chooseByPlace(in batch: Batch, _ rows: RowSelection) {
        let isChunk = batch.framing == .chunk
        places.find(in: batch, rows) { row, place in
            let offset = UInt64(bitPattern: place.offset)
            let hash = isChunk ? offset : SeededRandom.mix(offset) &+ UInt64(place.within)
            if plan.takes(SeededRandom.mix(place.partition) &+ SeededRandom.mix(hash)) { chosen.append(UInt32(row)) }
        }
    }
}
