import Dataflow
import Declaration
import Nodes
import Synchronization

/// The causes of dead letters, by how many have them.
final class LetterTally: EpochObserver {
    /// What letters have in common.
    struct Cause: Hashable {
        var code: String
        var node: String?
        var field: String?
    }

    /// Causes that are told apart; letters of further ones are in no complaint.
    private static let causesMax = 100
    /// The parsers, with what of the message their fields are.
    private let parsers: [String: [String: MessageAttribute]]
    private let readsFiles: Bool
    private let counts = Mutex<[Cause: Int]>([:])

    init(of topology: CompiledTopology) {
        let plans = topology.stages.compactMap { stage in (stage.plan as? ParsePlan).map { (stage.name, $0.attributes) }
        }
        parsers = Dictionary(plans) { first, _ in first }
        readsFiles = topology.sources.allSatisfy { $0.plan is FilePlan }
    }

    func committed(_ epoch: ClosedEpoch) {
        counts.withLock { counts in
            for letter in epoch.deadLetters where letter.isDead {
                let cause = Cause(code: letter.fault.code, node: letter.fault.node, field: letter.fault.field)
                guard counts[cause] != nil || counts.count < Self.causesMax else { continue }
                counts[cause, default: 0] += 1
            }
        }
    }

    /// The end of a sentence about records all of which are dead letters: `, missing at node records, field size`.
    var complaint: String {
        let counts = counts.withLock { $0 }
        guard let (cause, count) = counts.max(by: { ($0.value, $1.key.code) < ($1.value, $0.key.code) }) else {
            return ""
        }
        let rest = counts.count > 1 ? ", of \(count), and \(counts.count - 1) other cause(s)" : ""
        let place = (cause.node.map { " at node \($0)" } ?? "") + (cause.field.map { ", field \($0)" } ?? "")
        return ", \(cause.code)\(place)\(rest)" + advice(on: cause)
    }

    private func advice(on cause: Cause) -> String {
        let fields = cause.node.map { parsers[$0] } ?? [:]
        if let attribute = cause.field.flatMap({ fields?[$0] }) {
            return "; it is \(attribute), which \(readsFiles ? "lines of files" : "these messages") do not have"
        }
        return fields == nil ? "" : "; does parse_json declare what they hold?"
    }
}
