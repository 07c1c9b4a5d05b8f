import Dataflow
import Declaration
import Synchronization

/// A toy sink: keeps what it is told in a `Collection` of the program.
enum Collect: NodeType {
    static let spec = NodeSpec(
        name: "collect", kind: .sink, summary: "Keeps sums.", fields: [], example: "c:\n  from: t\n  collect: {}")

    static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        guard let groups = input.groups(Tally.Groups.self, for: node, madeBy: Tally.spec.name, &problems) else {
            return CompiledNode(.broken)
        }
        return CompiledNode(.sink(Plan(field: groups.field)))
    }

    struct Plan: SinkPlan {
        var field: String

        var isStored: Bool { false }

        func build(in context: BuildContext) throws -> RunningSink {
            guard let collection = context.services[Collection.self], let input = context.input else {
                preconditionFailure("nowhere to collect")
            }
            collection.meaning.withLock { $0[context.node] = context.meaning.lines }
            return .observer(Observer(node: input.number, name: "\(context.node).\(field)", collection: collection))
        }
    }

    final class Collection: Sendable {
        let sums = Mutex<[String: (sum: Int64, hashes: UInt64)]>([:])
        let meaning = Mutex<[String: [DefinitionLine]]>([:])
    }

    private struct Observer: EpochObserver {
        let node: Int
        let name: String
        let collection: Collection

        func committed(_ epoch: ClosedEpoch) {
            guard let delta = epoch.deltas[node] as? Tally.Sums else { return }
            let more = delta.state.withLock { $0 }
            collection.sums.withLock { sums in
                let before = sums[name] ?? (0, 0)
                sums[name] = (before.sum + more.sum, before.hashes &+ more.hashes)
            }
        }
    }
}
