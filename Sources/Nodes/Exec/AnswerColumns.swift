import Dataflow
import JSON

/// Reads answers into columns of their own, from where a batch gets them.
@safe final class AnswerColumns {
    private let fields: [ExecPlan.Field]
    private var parser: DocumentParser
    private var values: [UnsafeMutableRawPointer] = unsafe []
    private var valid: [UnsafeMutablePointer<UInt8>] = unsafe []
    private var status: UnsafeMutablePointer<UInt8>
    private var capacity = 0

    init(_ fields: [ExecPlan.Field]) {
        self.fields = fields
        parser = DocumentParser(
            fields: fields.map(\.declaration), limits: JSONLimits(documentLengthMax: ExecLimits.answerBytesMax),
            takesObjectsOnly: true)
        unsafe status = .allocate(capacity: 1)
    }

    deinit {
        deallocate()
        unsafe status.deallocate()
    }

    private func deallocate() {
        unsafe values.forEach { unsafe $0.deallocate() }
        unsafe valid.forEach { unsafe $0.deallocate() }
        unsafe (values, valid) = ([], [])
    }

    private func reserve(_ count: Int) {
        guard count > capacity else { return }
        deallocate()
        capacity = count
        for _ in fields {
            unsafe values.append(.allocate(byteCount: 8 * count, alignment: 16))
            unsafe valid.append(.allocate(capacity: count))
        }
        unsafe status.deallocate()
        unsafe status = .allocate(capacity: count)
    }

    /// Parses the documents of a text.
    /// - Returns: what is wrong with each of them; nil for a good one.
    func parse(_ text: AnswerText, _ documents: [DocumentRange]) -> [Int: DocumentFailure] {
        guard !documents.isEmpty else { return [:] }
        reserve(documents.count)
        let columns = unsafe zip(values, valid).map { unsafe ColumnPointers(values: $0, valid: $1) }
        let summary = unsafe documents.withUnsafeBufferPointer { documents in
            unsafe columns.withUnsafeBufferPointer { columns in
                unsafe parser.parse(
                    buffer: text.base, length: text.length, capacity: text.capacity, documents: documents,
                    columns: columns, status: status)
            }
        }
        guard summary.badCount > 0 else { return [:] }
        return Dictionary(uniqueKeysWithValues: parser.failures.map { ($0.row, $0) })
    }

    /// Writes what was parsed into the columns of a batch.
    /// - Parameter documents: which document each of the rows has, in order.
    func write(_ batch: Batch, _ rows: RowSelection, documents: [Int], _ text: AnswerText) {
        for (number, field) in fields.enumerated() {
            unsafe batch.writeColumn(field.column, rows) { column, _ in
                for index in 0..<rows.count {
                    let (row, document) = (rows[index], documents[index])
                    unsafe column.valid[row] = valid[number][document]
                    guard unsafe column.valid[row] != 0 else { continue }
                    if column.type == .boolean {
                        unsafe column.booleans[row] = values[number].load(
                            fromByteOffset: document, as: UInt8.self)
                    } else {
                        unsafe column.integers[row] = values[number].load(
                            fromByteOffset: 8 * document, as: Int64.self)
                    }
                }
                return (base: unsafe UnsafeRawPointer(text.base), keeper: text)
            }
        }
    }
}

/// The text of the answers that a batch's columns point into; it lives as long as the batch needs it.
@safe final class AnswerText {
    let base: UnsafeMutablePointer<UInt8>
    let length: Int
    let capacity: Int
    private let memory: MemoryAccountant

    /// - Parameters:
    ///   - bytes: documents, a newline behind each.
    ///   - memory: what it is drawn from, as long as it lives.
    init(_ bytes: [UInt8], _ memory: MemoryAccountant) {
        length = bytes.count
        capacity = DocumentParser.capacity(forLength: length) + Limits.parserPadding
        self.memory = memory
        unsafe base = .allocate(capacity: capacity)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe base.update(from: start, count: source.count) }
        }
        memory.draw(capacity, for: .batches)
    }

    deinit {
        memory.draw(-capacity, for: .batches)
        unsafe base.deallocate()
    }
}

/// Tells whether answers repeat the numbers of the records that they are for.
final class AnswerNumbers {
    private let columns: AnswerColumns

    init(field: String) {
        columns = AnswerColumns([
            ExecPlan.Field(
                name: field, column: 0,
                declaration: FieldDeclaration(path: [field], type: .integer, onTypeError: .null), typeName: "integer")
        ])
    }

    /// How many lines are proven to be answers to the records from `first` on: those up to the last one that has its record's
    /// number. `null` has none, nor has what is no JSON, which is found wrong by whoever reads it: such a line is proven by a
    /// later one.
    /// - Returns: nil when a line has another number than its record's.
    func proven(_ bytes: [UInt8], _ lines: [Range<Int>], from first: Int) -> Int? {
        var (text, documents, records): ([UInt8], [DocumentRange], [Int64]) = ([], [], [])
        for (offset, line) in lines.enumerated() where !bytes[line].isNull {
            documents.append(DocumentRange(offset: UInt32(text.count), length: UInt32(line.count)))
            records.append(Int64(first + offset))
            text += bytes[line]
            text.append(UInt8(ascii: "\n"))
        }
        let answers = AnswerText(text, MemoryAccountant(budget: 0))
        let failures = columns.parse(answers, documents)
        var proven = 0
        for index in records.indices where failures[index] == nil {
            guard columns.integer(index) == records[index] else { return nil }
            proven = Int(records[index]) - first + 1
        }
        return proven
    }
}

extension AnswerColumns {
    /// The number that the first field of a document has; nil without one.
    fileprivate func integer(_ document: Int) -> Int64? {
        guard unsafe valid[0][document] != 0 else { return nil }
        return unsafe values[0].load(fromByteOffset: 8 * document, as: Int64.self)
    }
}

extension Collection<UInt8> {
    /// Whether it is JSON's `null` and nothing else.
    var isNull: Bool {
        let text = drop { $0 == 0x20 || $0 == 0x09 }
        return text.starts(with: "null".utf8)
            && text.dropFirst(4).allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
    }
}
