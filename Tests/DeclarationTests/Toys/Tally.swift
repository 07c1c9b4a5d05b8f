import Dataflow
import Declaration
import Synchronization

/// A toy that groups: adds up a field and its hashes.
enum Tally: NodeType {
    static let spec = NodeSpec(
        name: "tally", kind: .operator, summary: "Adds up a field.",
        fields: [FieldSpec("of", .fieldName, "The field.", required: true, example: "n")], shorthand: "of",
        example: "t:\n  from: r\n  tally: n")

    struct Groups: GroupSchema { var field: String }

    static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ReadNumbers.spec.name, &problems)
        guard let of = node.config["of"], let name = of.string,
            let field = schema.field(name, at: of.location, &problems)
        else { return CompiledNode(.broken, output: .unknown) }
        return CompiledNode(
            .stage(Plan(column: field.column, field: name)), output: .groups(Groups(field: name)))
    }

    struct Plan: StagePlan {
        var column: Int
        var field: String

        var neededHashes: Set<Int> { [column] }
        func trace(_ meaning: inout EventMeaning) { meaning.usedFields.insert(field) }
        func build(in context: BuildContext) throws -> any Operator { Node(column: column) }
    }

    struct Node: Operator {
        let column: Int

        func makeWorker(in slot: StageSlot) -> any OperatorWorker { Worker(column) }
    }

    final class Sums: Delta {
        let state = Mutex((sum: Int64(0), hashes: UInt64(0)))

        var groupCount: Int { 1 }
        func absorb(_ other: any Delta) {
            guard let other = other as? Sums else { preconditionFailure("a tally absorbs tallies") }
            let more = other.state.withLock { $0 }
            state.withLock { $0 = ($0.sum + more.sum, $0.hashes &+ more.hashes) }
        }
        func complete() {}
        func release() {}
    }

    private final class Worker: AggregateWorker {
        let column: Int
        private let epochs = Mutex<[UInt64: Sums]>([:])

        init(_ column: Int) { self.column = column }

        func process(_ batch: Batch, _ rows: RowSelection, _ output: (RowSelection) -> Void) {
            let sums = epochs.withLock { epochs in
                let found = epochs[batch.epoch] ?? Sums()
                epochs[batch.epoch] = found
                return found
            }
            let hashes = unsafe batch.hashes(ofColumn: column)
            for index in 0..<rows.count {
                let row = rows[index]
                let (value, hash) = unsafe (batch.columns[column].integers[row], hashes[row])
                sums.state.withLock { $0 = ($0.sum + value, $0.hashes &+ hash) }
            }
            batch.markApplied(rows)
        }

        func takeDelta(epoch: UInt64) -> (any Delta)? { epochs.withLock { $0.removeValue(forKey: epoch) } }
        func discard() { epochs.withLock { $0 = [:] } }
    }
}
