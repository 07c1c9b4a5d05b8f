import Dataflow
import JSON
import Summaries

/// One permit of a `parse_json` node.
@safe final class ParseWorker: OperatorWorker {
    private let plan: ParsePlan
    private let node: String
    private let hashedColumns: [Int]
    /// The columns that the parser fills; the others are filled when it is done.
    private let parsedColumns: [Int]
    private var parser: DocumentParser
    private var finder = DocumentFinder()
    private var pointers: [ColumnPointers] = unsafe []
    private var goodRows: [UInt32] = []
    private var lookout: FieldLookout?
    private var completion: RecordCompletion?
    /// The clocks of the partitions, when a node behind asks for them; then no other worker reads messages.
    private var clocks: PartitionClocks?
    /// The column of the event time, nil when there is none.
    private let eventTime: Int?
    /// The rows of a batch, when elements are the records.
    private var elements: ElementTable?

    init(_ plan: ParsePlan, _ node: String, _ hashedColumns: [Int], _ watch: FieldWatch?, clockReach: Int64?) {
        clocks = clockReach.map { PartitionClocks(reach: $0) }
        self.plan = plan
        self.node = node
        self.hashedColumns = hashedColumns
        lookout = watch.map { FieldLookout($0) }
        eventTime = plan.eventTime.flatMap { name in plan.fields.firstIndex { $0.name == name } }
        parsedColumns = plan.fields.indices.filter { plan.fields[$0].origin == .document }
        parser = DocumentParser(
            fields: parsedColumns.map { plan.fields[$0].parsed }, limits: plan.limits, takesObjectsOnly: true,
            elements: plan.elements)
        completion = RecordCompletion(plan)
        elements = plan.elements.map { ElementTable($0) }
    }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        finder.find(in: batch)
        // A batch without a record moves its partitions too, and takes their stored clocks over.
        guard !finder.documents.isEmpty else { return noteEventTimes(of: batch) }
        parser.passMark(batch.beginsWithMark)
        if completion != nil, batch.messageTextBytes > 0 { batch.reserveMessageTexts() }
        let (parsedCount, arenaUsed) = elements == nil ? parseDocuments(of: batch) : parseElements(of: batch)
        guard batch.rowCount > 0 else { return noteEventTimes(of: batch) }
        var goodCount = parsedCount
        if completion != nil {
            completion?.complete(batch, arenaUsed: arenaUsed, finder.documents)
            goodCount -= completion?.refused.count ?? 0
        }
        noteEventTimes(of: batch)
        watch(batch, goodCount)
        for column in hashedColumns { batch.fillHashes(ofColumn: column) }
        if goodCount == batch.rowCount {
            output(unsafe RowSelection(rows: nil, count: goodCount))
        } else {
            collectDeadLetters(of: batch)
            unsafe goodRows.withUnsafeBufferPointer { rows in
                unsafe output(RowSelection(rows: rows.baseAddress, count: rows.count))
            }
        }
    }

    // MARK: Documents

    private func parseDocuments(of batch: Batch) -> (good: Int, arenaUsed: Int) {
        makeRows(in: batch)
        collectPointers(of: batch)
        let summary = unsafe finder.documents.withUnsafeBufferPointer { documents in
            unsafe pointers.withUnsafeBufferPointer { pointers in
                unsafe parser.parse(
                    buffer: batch.base.assumingMemoryBound(to: UInt8.self), length: batch.length,
                    capacity: batch.capacity, documents: documents,
                    columns: pointers, status: batch.status)
            }
        }
        return (summary.okCount, summary.arenaUsed)
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

    private func collectPointers(of batch: Batch) {
        unsafe pointers.removeAll(keepingCapacity: true)
        for index in parsedColumns {
            let column = batch.columns[index]
            unsafe pointers.append(ColumnPointers(values: column.values, valid: column.valid))
        }
    }

    // MARK: Elements

    private func parseElements(of batch: Batch) -> (good: Int, arenaUsed: Int) {
        guard var table = elements.take() else { preconditionFailure("the records are documents") }
        defer { elements = table }
        let summary = unsafe table.parse(batch, finder.documents, &parser) {
            collectPointers(of: batch)
            return unsafe pointers
        }
        table.assign(batch, finder)
        return (summary.okCount, summary.arenaUsed)
    }

    /// How far in event time the partitions have got. What is too early for summaries says nothing of that.
    private func noteEventTimes(of batch: Batch) {
        guard let eventTime else { return }
        clocks?.see(batch, eventTime)
        guard batch.rowCount > 0 else { return }
        let column = batch.columns[eventTime]
        for index in batch.runs.indices {
            var latest: Int64?
            for row in batch.runs[index].rows where unsafe batch.status[row] == 0 && column.valid[row] != 0 {
                let time = unsafe column.integers[row]
                guard time > latest ?? .min, clocks?.isTooEarly(row, time, in: batch) != true else { continue }
                latest = time
            }
            batch.runs[index].eventTime = latest
        }
    }

    // MARK: What became of them

    /// The document that a row was made of.
    private func document(of row: Int, in batch: Batch) -> DocumentRange {
        let places = batch.elementPlaces
        return finder.documents[places.isEmpty ? row : Int(places.documents[row])]
    }

    private func watch(_ batch: Batch, _ goodCount: Int) {
        guard lookout != nil else { return }
        lookout?.look(at: batch, good: goodCount) { self.document(of: $0, in: batch) }
        guard lookout?.countsConcessions ?? false else { return }
        var counts = completion?.concessions ?? []
        if counts.isEmpty {
            counts = Array(
                repeating: Concessions(nulls: 0, cuts: 0, error: nil, found: .nothing), count: batch.parsedColumnCount)
        }
        for (number, column) in parsedColumns.enumerated() {
            let parsed = parser.concessions(ofField: number)
            counts[column].nulls += parsed.nulls
            counts[column].cuts += parsed.cuts
            if parsed.nulls > 0 { (counts[column].error, counts[column].found) = (parsed.error, parsed.found) }
        }
        lookout?.note(counts)
    }

    /// What is wrong with a row.
    private func fault(of row: Int, in batch: Batch) -> RecordFault {
        if let fault = completion?.refused[row] { return fault }
        guard let failure = parser.failure(of: row) else { return RecordFault("refused", "refused") }
        var fault = RecordFault(failure.error.code, failure.description)
        if let declaration = failure.field {
            // Two fields may have one path; what is wrong with it is wrong with the first.
            fault.field = plan.fields.first { $0.origin == .document && $0.declaration.name == declaration.name }?.name
            fault.found = found(failure, in: batch)
            if case .timestamp(let format) = declaration.type, let found = fault.found,
                let clause = format == .rfc3339 ? TimestampAdvice.clause(found) : TimestampAdvice.countClause(found)
            {
                fault.reason += "; \(clause)"
            }
            fault.reason += elementAdvice(declaration, failure)
            if failure.error == .missingRequired, let barrier = barrier(declaration, failure, in: batch) {
                fault.reason = "\(declaration.name): missing, for \(barrier.clause), \(barrier.advice(plan.elements))"
            }
        } else if failure.error == .noElements, let elements = failure.elements {
            fault.field = elements.name
            if failure.found == .nothing, let reason = missing(elements, failure, in: batch) { fault.reason = reason }
        }
        if failure.error == .notAnObject, failure.found == .array, plan.elements == nil {
            fault.reason += "; with each: \"[]\" every element of it is a record"
        }
        if batch.framing == .document, failure.error == .trailingContent, failure.found == .object {
            fault.reason += "; with several per message set format: lines"
        }
        return fault
    }

    /// The way out where an array, or an object that is an element, stands in the place of a value.
    private func elementAdvice(_ field: FieldDeclaration, _ failure: DocumentFailure) -> String {
        guard failure.error == .wrongType, field.choices.isEmpty else { return "" }
        switch failure.found {
        case .array where plan.elements == nil:
            return "; with each: \(field.name) every element is a record, and the path of a plain one is \".\""
        case .object where field.path.isEmpty:
            return "; fields of elements that are objects have the paths of their members, and none is \".\""
        default: return ""
        }
    }

    /// What stands on the way to a field, of an element or of a document.
    private func barrier(_ field: FieldDeclaration, _ failure: DocumentFailure, in batch: Batch) -> PathBarrier? {
        let place = failure.element ?? document(of: failure.row, in: batch)
        return unsafe PathBarrier(
            in: UnsafeRawBufferPointer(start: batch.base + Int(place.offset), count: Int(place.length)), to: field)
    }

    /// Why an array is missing where something else stands on the way to it; nil when nothing does.
    private func missing(_ elements: ElementArray, _ failure: DocumentFailure, in batch: Batch) -> String? {
        let place = failure.element ?? document(of: failure.row, in: batch)
        let keys = elements.paths[failure.depth]
        guard
            let barrier = unsafe PathBarrier(
                in: UnsafeRawBufferPointer(start: batch.base + Int(place.offset), count: Int(place.length)), on: keys)
        else { return nil }
        var advice = "expected an object"
        if barrier.found == .array, elements.paths.count < ElementArray.countMax {
            var paths = elements.paths
            paths.replaceSubrange(failure.depth...failure.depth, with: [barrier.keys, barrier.rest])
            advice = "and each: \(ElementArray(paths: paths).name) goes through its elements"
        }
        return "\(failure.array ?? ""): missing, for \(barrier.clause), \(advice)"
    }

    /// The value that does not fit its field.
    private func found(_ failure: DocumentFailure, in batch: Batch) -> String? {
        switch failure.error {
        case .wrongType, .outOfRange, .invalidTimestamp: break
        default: return nil
        }
        let whole = failure.element ?? document(of: failure.row, in: batch)
        return unsafe FoundValue.json(
            in: UnsafeRawBufferPointer(start: batch.base + Int(whole.offset), count: Int(whole.length)),
            at: failure.position)
    }

    private func collectDeadLetters(of batch: Batch) {
        goodRows.removeAll(keepingCapacity: true)
        var letters = DeadLetterWriter(batch, finder.documents, node: node)
        for row in 0..<batch.rowCount {
            if unsafe batch.status[row] == 0 {
                goodRows.append(UInt32(row))
            } else {
                batch.deadLetters.append(letters.letter(for: row, fault(of: row, in: batch)))
            }
        }
    }
}
