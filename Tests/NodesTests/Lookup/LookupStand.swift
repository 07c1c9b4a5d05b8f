import Dataflow
import Summaries

/// A batch of records with a text, an integer and an event time, in columns 0 to 2, and room for what a lookup adds.
struct LookupStand {
    struct Record: Sendable {
        var text: String?
        var number: Int64?
        var at: Int64 = 0
    }

    /// The first column that is added.
    static let firstAdded = 3

    let batch: Batch

    init(_ records: [Record], added: [ColumnType]) {
        var layout = BatchLayout([.text, .integer, .timestamp])
        for (offset, type) in added.enumerated() { layout.add(type, as: Self.firstAdded + offset) }
        batch = Batch(payloadBytes: 65_536, layout: layout)
        for (offset, record) in records.enumerated() {
            // The text lies in the message itself.
            var text = record.text ?? ""
            text.withUTF8 { utf8 in
                unsafe batch.append(UnsafeRawBufferPointer(utf8), offset: Int64(offset), timestamp: nil)
            }
        }
        batch.runs = [
            BatchRun(
                partition: 0, messages: 0..<records.count, tombstones: 0, nextOffset: Int64(records.count), tail: nil)
        ]
        batch.beginRows(records.count)
        batch.runs[0].rows = 0..<records.count
        for (row, record) in records.enumerated() {
            let message = batch.messages[row]
            unsafe batch.rowMessages[row] = UInt32(row)
            unsafe batch.status[row] = 0
            unsafe batch.columns[0].slices[row] = TextSlice(offset: message.start, length: message.length)
            unsafe batch.columns[0].valid[row] = record.text == nil ? 0 : 1
            unsafe batch.columns[1].integers[row] = record.number ?? 0
            unsafe batch.columns[1].valid[row] = record.number == nil ? 0 : 1
            unsafe batch.columns[2].integers[row] = record.at
            unsafe batch.columns[2].valid[row] = 1
        }
        batch.fillHashes(ofColumn: 0)
    }

    /// All rows.
    var all: RowSelection { unsafe RowSelection(rows: nil, count: batch.rowCount) }

    /// What a row has in added columns, `-` for null.
    func shown(_ row: Int, _ count: Int) -> [String] {
        (Self.firstAdded..<Self.firstAdded + count).map { index in
            let column = batch.columns[index]
            guard unsafe column.valid[row] != 0 else { return "-" }
            switch column.type {
            case .text:
                let slice = unsafe column.slices[row]
                return unsafe String(
                    decoding: UnsafeRawBufferPointer(
                        start: column.base + Int(slice.offset), count: Int(slice.length)), as: UTF8.self)
            case .double: return unsafe "\(column.doubles[row])"
            case .boolean: return unsafe column.booleans[row] == 1 ? "true" : "false"
            default: return unsafe "\(column.integers[row])"
            }
        }
    }
}
