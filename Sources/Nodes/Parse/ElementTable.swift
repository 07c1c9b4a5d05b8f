import Dataflow
import JSON

/// Parses batches whose records are elements: finds out how many rows there are as it goes.
@safe struct ElementTable {
    private let elements: ElementArray
    /// What the arrays are called in messages.
    private let arrays: [String]
    /// Rows of a document in the batches so far, at most.
    private var rowsPerDocument = 4

    init(_ elements: ElementArray) {
        self.elements = elements
        arrays = elements.names
    }

    /// Parses with room for as many rows as batches had so far, and with more when these are not enough.
    /// - Parameter pointers: the columns of the parser, asked for again whenever they have moved.
    mutating func parse(
        _ batch: Batch, _ ranges: [DocumentRange], _ parser: inout DocumentParser, pointers: () -> [ColumnPointers]
    ) -> ParseSummary {
        var places = ElementPlaces()
        swap(&places, &batch.elementPlaces)
        defer { swap(&places, &batch.elementPlaces) }
        (places.arrays, places.paths) = (arrays, elements.paths)
        var room = max(64, ranges.count * rowsPerDocument)
        batch.beginRows(room)
        var (count, done, arenaUsed) = (0, 0, 0)
        while true {
            let columns = unsafe pointers()
            places.documents += Array(repeating: 0, count: max(0, room - places.documents.count))
            places.ranges += Array(
                repeating: Dataflow.TextSlice(offset: 0, length: 0), count: max(0, room - places.ranges.count))
            places.numbers += Array(repeating: 0, count: max(0, room * arrays.count - places.numbers.count))
            let summary = places.withRows(room, count, done, arenaUsed) { rows in
                let summary = unsafe ranges.withUnsafeBufferPointer { ranges in
                    unsafe columns.withUnsafeBufferPointer { columns in
                        unsafe parser.parseElements(
                            buffer: batch.base.assumingMemoryBound(to: UInt8.self), length: batch.length,
                            capacity: batch.capacity, documents: ranges, columns: columns, status: batch.status,
                            rows: &rows)
                    }
                }
                (count, done, arenaUsed) = (rows.count, rows.documentsDone, rows.arenaUsed)
                return summary
            }
            batch.endRows(count)
            if done == ranges.count {
                rowsPerDocument = max(rowsPerDocument, count / max(1, ranges.count) + 1)
                return summary
            }
            room *= 2
            batch.growRows(to: room)
        }
    }

    /// Gives every row its message, and every run its rows.
    func assign(_ batch: Batch, _ finder: DocumentFinder) {
        let documents = batch.elementPlaces.documents
        var (row, document) = (0, 0)
        for index in batch.runs.indices {
            let first = row
            for message in batch.runs[index].messages {
                document += batch.framing == .document ? 1 : finder.counts[message]
                while row < batch.rowCount, documents[row] < document {
                    unsafe batch.rowMessages[row] = UInt32(message)
                    row += 1
                }
            }
            batch.runs[index].rows = first..<row
        }
    }
}

extension ElementPlaces {
    fileprivate mutating func withRows(
        _ room: Int, _ count: Int, _ done: Int, _ arenaUsed: Int, _ body: (inout ElementRows) -> ParseSummary
    ) -> ParseSummary {
        unsafe documents.withUnsafeMutableBufferPointer { documents in
            unsafe ranges.withUnsafeMutableBufferPointer { ranges in
                unsafe numbers.withUnsafeMutableBufferPointer { numbers in
                    guard let documents = documents.baseAddress, let ranges = ranges.baseAddress,
                        let numbers = numbers.baseAddress
                    else { preconditionFailure("there is no room for a row") }
                    // Same layout: an offset and a length of 32 bits each.
                    var rows = unsafe ElementRows(
                        capacity: room, documents: documents,
                        elements: UnsafeMutableRawPointer(ranges).assumingMemoryBound(to: DocumentRange.self),
                        numbers: numbers, count: count, documentsDone: done, arenaUsed: arenaUsed)
                    return body(&rows)
                }
            }
        }
    }
}
