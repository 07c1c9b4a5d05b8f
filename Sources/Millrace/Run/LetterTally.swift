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
    private let parsers: Set<String>
    private let counts = Mutex<[Cause: Int]>([:])

    init(of topology: CompiledTopology) {
        parsers = Set(topology.stages.filter { $0.plan is ParsePlan }.map(\.name))
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
        let isParsing = cause.node.map(parsers.contains) ?? true
        return ", \(cause.code)\(place)\(rest)" + (isParsing ? "; does parse_json declare what they hold?" : "")
    }
}
