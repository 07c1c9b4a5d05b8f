package import Dataflow
package import JSON

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
package struct ParseJSON: Operator {
    let plan: ParsePlan

    /// Creates the node.
    package init(_ plan: ParsePlan) { self.plan = plan }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { ParseWorker(plan) }
}

/// What a `parse_json` node does, checked.
package struct ParsePlan: Sendable {
    /// The declared fields; field `i` fills the batch's column `i`.
    package var fields: [FieldDeclaration]
    /// Bounds on records.
    package var limits: JSONLimits
    /// Columns whose hashes some `uniques` needs: hashed here, once, for all of them.
    package var hashedColumns: [Int]

    /// Creates a plan.
    package init(fields: [FieldDeclaration], limits: JSONLimits, hashedColumns: [Int]) {
        self.fields = fields
        self.limits = limits
        self.hashedColumns = hashedColumns
    }
}

/// One permit of a `parse_json` node.
@safe final class ParseWorker: OperatorWorker {
    private let plan: ParsePlan
    private var parser: DocumentParser
    private var documents: [DocumentRange] = []
    private var lines: [DocumentRange] = []
    private var pointers: [ColumnPointers] = unsafe []
    private var goodRows: [UInt32] = []

    init(_ plan: ParsePlan) {
        self.plan = plan
        parser = DocumentParser(fields: plan.fields, limits: plan.limits)
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        findDocuments(in: batch)
        guard !documents.isEmpty else { return }
        let goodCount = parse(batch)
        for column in plan.hashedColumns { _ = unsafe batch.hashes(ofColumn: column) }
        if goodCount == documents.count {
            output(unsafe RowSelection(rows: nil, count: goodCount))
        } else {
            collectDeadLetters(of: batch)
            unsafe goodRows.withUnsafeBufferPointer { rows in
                unsafe output(RowSelection(rows: rows.baseAddress, count: rows.count))
            }
        }
    }

    /// Lists the documents of every run and gives the batch its rows.
    private func findDocuments(in batch: Batch) {
        documents.removeAll(keepingCapacity: true)
        switch batch.framing {
        case .document:
            for message in batch.messages {
                documents.append(DocumentRange(offset: message.start, length: message.length))
            }
            for index in batch.runs.indices { batch.runs[index].rows = batch.runs[index].messages }
            batch.beginRows(documents.count)
            for row in 0..<documents.count { unsafe batch.rowMessages[row] = UInt32(row) }
        case .lines, .chunk:
            var counts: [Int] = []
            for index in batch.runs.indices {
                let first = documents.count
                for message in batch.runs[index].messages {
                    let place = batch.messages[message]
                    let before = documents.count
                    appendLines(of: place, in: batch)
                    counts.append(documents.count - before)
                }
                batch.runs[index].rows = first..<documents.count
            }
            batch.beginRows(documents.count)
            var row = 0
            for (message, count) in counts.enumerated() {
                for _ in 0..<count {
                    unsafe batch.rowMessages[row] = UInt32(message)
                    row += 1
                }
            }
        }
    }

    /// Cuts one message into lines. There are at most half as many as bytes, blank ones not counted; the room is taken
    /// in steps, for usually they are far fewer.
    private func appendLines(of message: BatchMessage, in batch: Batch) {
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

    private func parse(_ batch: Batch) -> Int {
        unsafe pointers.removeAll(keepingCapacity: true)
        for column in batch.columns {
            unsafe pointers.append(ColumnPointers(values: column.values, valid: column.valid))
        }
        let summary = unsafe documents.withUnsafeBufferPointer { documents in
            unsafe pointers.withUnsafeBufferPointer { pointers in
                unsafe parser.parse(
                    buffer: batch.base.assumingMemoryBound(to: UInt8.self), length: batch.length,
                    capacity: batch.capacity, documents: documents,
                    columns: pointers, status: batch.status)
            }
        }
        return summary.okCount
    }

    private func collectDeadLetters(of batch: Batch) {
        goodRows.removeAll(keepingCapacity: true)
        for run in batch.runs {
            var line: Int32 = 0
            var lastMessage: UInt32?
            for row in run.rows {
                let messageIndex = unsafe batch.rowMessages[row]
                line = messageIndex == lastMessage ? line + 1 : 0
                lastMessage = messageIndex
                guard unsafe batch.status[row] != 0 else {
                    goodRows.append(UInt32(row))
                    continue
                }
                batch.deadLetters.append(letter(for: row, line: line, of: run, in: batch))
            }
        }
    }

    private func letter(for row: Int, line: Int32, of run: BatchRun, in batch: Batch) -> DeadLetter {
        let message = batch.messages[unsafe Int(batch.rowMessages[row])]
        let document = documents[row]
        let length = min(Int(document.length), Limits.deadLetterBytesMax)
        let payload = unsafe [UInt8](UnsafeRawBufferPointer(start: batch.base + Int(document.offset), count: length))
        let isChunk = batch.framing == .chunk
        return DeadLetter(
            partition: run.partition,
            offset: isChunk ? message.offset + Int64(document.offset - message.start) : message.offset,
            line: isChunk ? 0 : line, reason: parser.reason(for: row) ?? "refused", payload: payload,
            timestamp: message.timestamp)
    }
}
