import Dataflow
import JSON

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
public struct ParseJSON: Operator {
    let plan: ParsePlan

    /// Creates the node.
    public init(_ plan: ParsePlan) { self.plan = plan }

    public func makeWorker(in slot: StageSlot) -> any OperatorWorker { ParseWorker(plan) }
}

/// What a `parse_json` node does, checked.
public struct ParsePlan: Sendable {
    /// The declared fields; field `i` fills the batch's column `i`.
    public var fields: [FieldDeclaration]
    /// Bounds on records.
    public var limits: DocumentLimits
    /// Columns whose hashes some `uniques` needs: hashed here, once, for all of them.
    public var hashedColumns: [Int]

    /// Creates a plan.
    public init(fields: [FieldDeclaration], limits: DocumentLimits, hashedColumns: [Int]) {
        self.fields = fields
        self.limits = limits
        self.hashedColumns = hashedColumns
    }
}

/// One permit of a `parse_json` node.
final class ParseWorker: OperatorWorker {
    private let plan: ParsePlan
    private let parser: DocumentParser
    private var documents: [DocumentRange] = []
    private var pointers: [ColumnPointers] = []
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
                    let text = unsafe UnsafeRawBufferPointer(
                        start: batch.base + Int(place.start), count: Int(place.length))
                    unsafe splitLines(text, at: place.start, into: &documents)
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

    private func parse(_ batch: Batch) -> Int {
        pointers.removeAll(keepingCapacity: true)
        for column in batch.columns {
            unsafe pointers.append(ColumnPointers(values: column.values, valid: column.valid))
        }
        let summary = unsafe documents.withUnsafeBufferPointer { documents in
            unsafe pointers.withUnsafeBufferPointer { pointers in
                unsafe parser.parse(
                    buffer: batch.base, length: batch.length, capacity: batch.capacity, documents: documents,
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
            line: isChunk ? 0 : line, reason: parser.reason(for: row), payload: payload, timestamp: message.timestamp)
    }
}
