import Dataflow
import JSON

/// Finds out where the records of a batch stand in the log.
struct PlaceFinder {
    private var finder = DocumentFinder()

    /// Calls `body` with each selected row and its place, in order.
    mutating func find(in batch: Batch, _ rows: RowSelection, _ body: (Int, RecordPlace) -> Void) {
        let places = batch.elementPlaces
        let isOnePerMessage = batch.framing == .document && places.isEmpty
        if !isOnePerMessage, places.isEmpty { finder.find(in: batch) }
        // Asked for once: a batch is an object, and each of its properties is checked for exclusive access.
        let (runs, messages) = (batch.runs, batch.messages)
        var run = 0
        for index in 0..<rows.count {
            let row = rows[index]
            while !runs[run].rows.contains(row) { run += 1 }
            let message = messages[unsafe Int(batch.rowMessages[row])]
            var place = RecordPlace(partition: runs[run].identity, offset: message.offset, within: 0)
            if !isOnePerMessage {
                let start = places.isEmpty ? finder.documents[row].offset : places.ranges[row].offset
                let within = start - message.start
                // How a file was cut into chunks makes no difference: their offsets are byte positions.
                if batch.framing == .chunk { place.offset += Int64(within) } else { place.within = within }
            }
            body(row, place)
        }
    }
}
