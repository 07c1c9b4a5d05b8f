import Dataflow
import JSON

/// Makes the dead letters of one batch. Rows must be asked for in ascending order.
struct DeadLetterWriter {
    private let batch: Batch
    private var run = 0
    /// How far lines have been counted: in which message, to which byte, and how many.
    private var message: UInt32?
    private var position = 0
    private var line: Int32 = 0

    init(_ batch: Batch) { self.batch = batch }

    /// The dead letter of a row.
    /// - Parameter document: where the row's bytes are.
    mutating func letter(for row: Int, _ document: DocumentRange, reason: String) -> DeadLetter {
        while !batch.runs[run].rows.contains(row) { run += 1 }
        let message = batch.messages[unsafe Int(batch.rowMessages[row])]
        let length = min(Int(document.length), Limits.deadLetterBytesMax)
        let payload = unsafe [UInt8](UnsafeRawBufferPointer(start: batch.base + Int(document.offset), count: length))
        let isChunk = batch.framing == .chunk
        return DeadLetter(
            partition: batch.runs[run].partition,
            offset: isChunk ? message.offset + Int64(document.offset - message.start) : message.offset,
            line: batch.framing == .lines ? countLines(before: document, of: row) : 0, reason: reason,
            payload: payload, timestamp: message.timestamp)
    }

    /// The line of its message that a document is on, from 0; blank lines count.
    private mutating func countLines(before document: DocumentRange, of row: Int) -> Int32 {
        let current = unsafe batch.rowMessages[row]
        if message != current {
            message = current
            position = Int(batch.messages[Int(current)].start)
            line = 0
        }
        let passed = unsafe UnsafeRawBufferPointer(
            start: batch.base + position, count: Int(document.offset) - position)
        line += unsafe Int32(passed.count { $0 == UInt8(ascii: "\n") })
        position = Int(document.offset)
        return line
    }
}
