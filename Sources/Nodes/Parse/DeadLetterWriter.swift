import Dataflow
import JSON

/// Makes the dead letters of one batch. Rows must be asked for in ascending order.
struct DeadLetterWriter {
    private let batch: Batch
    private let documents: [DocumentRange]
    private let node: String
    private var run = 0
    /// How far lines have been counted: in which message, to which byte, and how many.
    private var message: UInt32?
    private var position = 0
    private var line: Int32 = 0

    /// - Parameters:
    ///   - documents: where the documents of the batch are.
    ///   - node: the node that has no use for the records, unless a fault says another.
    init(_ batch: Batch, _ documents: [DocumentRange], node: String) {
        self.node = node
        self.batch = batch
        self.documents = documents
    }

    /// The dead letter of a row: of its document, or of the element of it that the row is, which the reason then says.
    mutating func letter(for row: Int, _ fault: RecordFault) -> DeadLetter {
        while !batch.runs[run].rows.contains(row) { run += 1 }
        let number = unsafe Int(batch.rowMessages[row])
        let message = batch.messages[number]
        var fault = fault
        let (document, shown, element) = source(of: row)
        let length = min(Int(shown.length), Limits.deadLetterBytesMax)
        let payload = unsafe [UInt8](UnsafeRawBufferPointer(start: batch.base + Int(shown.offset), count: length))
        fault.node = fault.node ?? node
        if let element { fault.reason = "\(element): \(fault.reason)" }
        let isChunk = batch.framing == .chunk
        var letter = DeadLetter(
            partition: batch.runs[run].partition,
            offset: isChunk ? message.offset + Int64(document.offset - message.start) : message.offset,
            line: batch.framing == .lines ? countLines(before: document, of: row) : 0, fault: fault,
            payload: payload, key: batch.messageKey(number), timestamp: message.timestamp)
        letter.element = element
        if !batch.clockTimes.isEmpty, batch.clockTimes[row] != .min { letter.clock = batch.clockTimes[row] }
        return letter
    }

    /// A row's document, the bytes that the row was made of, and which element they are.
    private func source(of row: Int) -> (document: DocumentRange, shown: DocumentRange, element: String?) {
        let places = batch.elementPlaces
        guard !places.isEmpty else { return (documents[row], documents[row], nil) }
        let document = documents[Int(places.documents[row])]
        let range = places.ranges[row]
        if range.length == 0 { return (document, document, nil) }
        return (document, DocumentRange(offset: range.offset, length: range.length), places.name(of: row))
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
