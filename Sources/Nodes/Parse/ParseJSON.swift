package import Dataflow
package import JSON
import Summaries

/// The `parse_json` node: documents to records, in typed columns. What is no good becomes a dead letter with its reason.
package struct ParseJSON: Operator {
    let plan: ParsePlan
    private let hashedColumns: [Int]
    private let watch: FieldWatch?

    /// Creates the node.
    /// - Parameters:
    ///   - hashedColumns: columns whose hashes are needed behind it: computed here, once, for all who need them.
    ///   - watch: is told which fields the records have.
    package init(_ plan: ParsePlan, hashedColumns: [Int] = [], watch: FieldWatch? = nil) {
        self.plan = plan
        self.hashedColumns = hashedColumns
        self.watch = watch
    }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { ParseWorker(plan, hashedColumns, watch) }
}

/// What a `parse_json` node does, checked.
package struct ParsePlan: Sendable {
    /// The declared fields; field `i` fills the batch's column `i`.
    package var fields: [FieldDeclaration]
    /// The fields' names.
    package var names: [String]
    /// The name of the field that is the event time, nil when there is none.
    package var eventTime: String?
    /// Bounds on records.
    package var limits: JSONLimits

    /// Creates a plan.
    package init(fields: [FieldDeclaration], names: [String], eventTime: String? = nil, limits: JSONLimits) {
        self.fields = fields
        self.names = names
        self.eventTime = eventTime
        self.limits = limits
    }
}

/// One permit of a `parse_json` node.
@safe final class ParseWorker: OperatorWorker {
    private let plan: ParsePlan
    private let hashedColumns: [Int]
    private var parser: DocumentParser
    private var finder = DocumentFinder()
    private var pointers: [ColumnPointers] = unsafe []
    private var goodRows: [UInt32] = []
    private var lookout: FieldLookout?

    init(_ plan: ParsePlan, _ hashedColumns: [Int], _ watch: FieldWatch?) {
        self.plan = plan
        self.hashedColumns = hashedColumns
        lookout = watch.map { FieldLookout($0) }
        parser = DocumentParser(fields: plan.fields, limits: plan.limits, takesObjectsOnly: true)
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        finder.find(in: batch)
        guard !finder.documents.isEmpty else { return }
        makeRows(in: batch)
        let goodCount = parse(batch)
        lookout?.look(at: batch, good: goodCount, finder.documents)
        for column in hashedColumns { batch.fillHashes(ofColumn: column) }
        if goodCount == finder.documents.count {
            output(unsafe RowSelection(rows: nil, count: goodCount))
        } else {
            collectDeadLetters(of: batch)
            unsafe goodRows.withUnsafeBufferPointer { rows in
                unsafe output(RowSelection(rows: rows.baseAddress, count: rows.count))
            }
        }
    }

    /// Gives the batch a row for each document, and every run its rows.
    private func makeRows(in batch: Batch) {
        batch.beginRows(finder.documents.count)
        guard batch.framing != .document else {
            for index in batch.runs.indices { batch.runs[index].rows = batch.runs[index].messages }
            for row in 0..<finder.documents.count { unsafe batch.rowMessages[row] = UInt32(row) }
            return
        }
        var row = 0
        for index in batch.runs.indices {
            let first = row
            for message in batch.runs[index].messages {
                for _ in 0..<finder.counts[message] {
                    unsafe batch.rowMessages[row] = UInt32(message)
                    row += 1
                }
            }
            batch.runs[index].rows = first..<row
        }
    }

    private func parse(_ batch: Batch) -> Int {
        unsafe pointers.removeAll(keepingCapacity: true)
        // Behind those of the parser stand the columns that later nodes fill.
        for column in batch.columns.prefix(batch.parsedColumnCount) {
            unsafe pointers.append(ColumnPointers(values: column.values, valid: column.valid))
        }
        let summary = unsafe finder.documents.withUnsafeBufferPointer { documents in
            unsafe pointers.withUnsafeBufferPointer { pointers in
                unsafe parser.parse(
                    buffer: batch.base.assumingMemoryBound(to: UInt8.self), length: batch.length,
                    capacity: batch.capacity, documents: documents,
                    columns: pointers, status: batch.status)
            }
        }
        return summary.okCount
    }

    private func reason(for row: Int, in batch: Batch) -> String {
        guard let failure = parser.failure(of: row) else { return "refused" }
        guard batch.framing == .document, failure.error == .trailingContent, failure.found == .object else {
            return failure.description
        }
        return "\(failure); with several per message set format: lines"
    }

    private func collectDeadLetters(of batch: Batch) {
        goodRows.removeAll(keepingCapacity: true)
        var letters = DeadLetterWriter(batch)
        for row in 0..<batch.rowCount {
            if unsafe batch.status[row] == 0 {
                goodRows.append(UInt32(row))
            } else {
                let reason = reason(for: row, in: batch)
                batch.deadLetters.append(letters.letter(for: row, finder.documents[row], reason: reason))
            }
        }
    }
}
