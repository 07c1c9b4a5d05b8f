import Dataflow
import JSON
import Platform

/// Cuts the messages of a batch into documents: one each, or one per line.
struct DocumentFinder {
    /// The documents of all messages in order.
    private(set) var documents: [DocumentRange] = []
    /// How many documents each message holds; empty when it is one each.
    private(set) var counts: [Int] = []
    private var lines: [DocumentRange] = []

    /// Lists the documents of a batch.
    mutating func find(in batch: Batch) {
        documents.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        for message in batch.messages {
            guard batch.framing != .document else {
                documents.append(DocumentRange(offset: message.start, length: message.length))
                continue
            }
            let before = documents.count
            appendLines(of: message, in: batch)
            if before == 0, batch.beginsWithMark { leaveOutMark(of: batch) }
            counts.append(documents.count - before)
        }
    }

    /// A line with nothing but a byte order mark is as good as a blank one.
    private mutating func leaveOutMark(of batch: Batch) {
        guard let first = documents.first, Int(first.length) == ByteOrderMark.length else { return }
        let line = unsafe UnsafeRawBufferPointer(start: batch.base + Int(first.offset), count: Int(first.length))
        if unsafe ByteOrderMark.begins(line) { documents.removeFirst() }
    }

    /// Cuts one message into lines. There are at most half as many as bytes, blank ones not counted; the room is taken
    /// in steps, for usually they are far fewer.
    private mutating func appendLines(of message: BatchMessage, in batch: Batch) {
        var start = Int(message.start)
        let end = start + Int(message.length)
        while start < end {
            let room = max(1_024, (end - start) / 64)
            if lines.count < room { lines = Array(repeating: DocumentRange(offset: 0, length: 0), count: room) }
            let text = unsafe UnsafeBufferPointer(
                start: batch.base.assumingMemoryBound(to: UInt8.self) + start, count: end - start)
            let split = unsafe lines.withUnsafeMutableBufferPointer { lines in
                unsafe splitLines(text, isFinal: true, into: lines)
            }
            for line in lines[..<split.count] {
                documents.append(DocumentRange(offset: line.offset + UInt32(start), length: line.length))
            }
            if split.consumed == 0 { break }
            start += split.consumed
        }
    }
}
