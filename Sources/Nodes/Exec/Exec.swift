package import Dataflow
import JSON
import Summaries

/// The `exec` node: adds columns with what a program answers to the records.
package struct Exec: Operator {
    let plan: ExecPlan
    let pool: ProgramPool
    let hashedColumns: [Int]
    let memory: MemoryAccountant

    init(_ plan: ExecPlan, pool: ProgramPool, hashedColumns: [Int], memory: MemoryAccountant) {
        self.plan = plan
        self.pool = pool
        self.hashedColumns = hashedColumns
        self.memory = memory
    }

    /// In mode `batch` a program begins anew for each batch: smaller ones would take longer in all.
    package var takesLong: Bool { plan.mode == .stream }

    package func begin(in pipeline: NodeContext) throws {
        try ProgramSearch.check(plan.command, plan.environment, of: plan.node)
        pool.begin(in: pipeline)
    }

    package func close() { pool.close() }

    package func makeWorker(in slot: StageSlot) -> any OperatorWorker { ExecWorker(self) }
}

/// One permit of an `exec` node.
final class ExecWorker: OperatorWorker {
    private let node: Exec
    private let exchange: ExecExchange
    private let columns: AnswerColumns
    private var drawn = 0

    init(_ node: Exec) {
        self.node = node
        exchange = ExecExchange(node.plan, node.pool)
        columns = AnswerColumns(node.plan.fields)
    }

    deinit { node.memory.draw(-drawn, for: .kept) }

    func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        guard rows.count > 0 else { return }
        let isWhole = exchange.run(batch, rows)
        node.memory.draw(exchange.memoryBytes - drawn, for: .kept)
        drawn = exchange.memoryBytes
        // Nothing of the epoch will be committed.
        guard isWhole else { return }
        fill(batch, rows, output)
    }

    private func fill(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
        var (bytes, documents, numbers): ([UInt8], [DocumentRange], [Int?]) = ([], [], [])
        for fate in exchange.fates {
            guard case .answer(let range)? = fate, !exchange.answers[range].isNull else {
                numbers.append(nil)
                continue
            }
            numbers.append(documents.count)
            documents.append(DocumentRange(offset: UInt32(bytes.count), length: UInt32(range.count)))
            bytes += exchange.answers[range]
            bytes.append(UInt8(ascii: "\n"))
        }
        let text = AnswerText(bytes, node.memory)
        let failures = columns.parse(text, documents)
        var dead: Set<UInt32> = []
        if !failures.isEmpty || exchange.fates.contains(where: { if case .givenUp? = $0 { true } else { false } }) {
            let kept = Set(
                batch.refuse(rows, by: node.plan.node) { index in
                    fault(index, numbers[index].flatMap { failures[$0] }, in: text, documents)
                })
            for index in 0..<rows.count where !kept.contains(UInt32(rows[index])) { dead.insert(UInt32(rows[index])) }
        }
        var (good, used): ([UInt32], [Int]) = ([], [])
        for index in 0..<rows.count {
            guard let number = numbers[index], !dead.contains(UInt32(rows[index])) else { continue }
            good.append(UInt32(rows[index]))
            used.append(number)
        }
        unsafe good.withUnsafeBufferPointer { good in
            let selection = unsafe RowSelection(rows: good.baseAddress, count: good.count)
            columns.write(batch, selection, documents: used, text)
            for column in node.hashedColumns { batch.fillHashes(ofColumn: column) }
            output(selection)
        }
    }

    /// What is wrong with a record.
    private func fault(
        _ index: Int, _ failure: DocumentFailure?, in text: AnswerText, _ documents: [DocumentRange]
    ) -> RecordFault? {
        let name = node.plan.name
        if case .givenUp(let failure)? = exchange.fates[index] {
            let tries =
                node.plan.attempts == 1 ? "" : ", each of \(node.plan.attempts) times that it had this record alone"
            return RecordFault(failure.code, "\(name) \(failure.text)\(failure.isOfOneTry ? "" : tries)")
        }
        guard let failure else { return nil }
        let field = node.plan.fields.first { $0.declaration.path == failure.field?.path }?.name
        let document = documents[failure.row]
        let found = unsafe FoundValue.text(
            UnsafeRawBufferPointer(start: text.base + Int(document.offset), count: Int(document.length)))
        return RecordFault(
            "exec_answer", field: field, found: found, "the answer of \(name) does not fit: \(failure.description)")
    }
}
