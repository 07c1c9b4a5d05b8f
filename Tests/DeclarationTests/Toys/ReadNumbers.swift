import Dataflow
import Declaration

/// A toy parser: a column `n` of the numbers.
enum ReadNumbers: NodeType {
    static let spec = NodeSpec(
        name: "read_numbers", kind: .operator, summary: "Reads numbers.", fields: [],
        example: "r:\n  from: n\n  read_numbers: {}")

    static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        input.expectMessages(for: node, &problems)
        let schema = RecordSchema(fields: [.init(name: "n", type: .integer, column: 0)], eventTimeColumn: nil)
        return CompiledNode(input.isMessages ? .stage(Plan()) : .broken, output: .records(schema))
    }

    struct Plan: StagePlan {
        var columnTypes: [ColumnType] { [.integer] }
        var messageBytesMax: Int? { 8 }

        func trace(_ meaning: inout EventMeaning) {
            for field in meaning.usedFields.sorted() { meaning.add("field \(field)", "eight bytes") }
        }

        func build(in context: BuildContext) throws -> any Operator { Node(hashed: context.hashedColumns) }
    }

    struct Node: Operator {
        let hashed: [Int]

        func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(hashed) }
    }

    private final class Worker: OperatorWorker {
        let hashed: [Int]

        init(_ hashed: [Int]) { self.hashed = hashed }

        func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
            batch.beginRows(batch.messages.count)
            for index in batch.runs.indices { batch.runs[index].rows = batch.runs[index].messages }
            for (row, message) in batch.messages.enumerated() {
                unsafe batch.status[row] = 0
                unsafe batch.columns[0].valid[row] = 1
                unsafe batch.columns[0].integers[row] = batch.base.loadUnaligned(
                    fromByteOffset: Int(message.start), as: Int64.self)
            }
            for column in hashed {
                unsafe batch.fillHashes(ofColumn: column) { column, hashes in
                    for row in 0..<batch.rowCount { unsafe hashes[row] = UInt64(column.integers[row]) &* 7 }
                }
            }
            output(unsafe RowSelection(rows: nil, count: batch.rowCount))
        }
    }
}
