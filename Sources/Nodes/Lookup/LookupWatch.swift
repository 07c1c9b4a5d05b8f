import Logging
import Lookups
import Synchronization

/// Counts the records of one node that were looked up, and those for which nothing was found: null, dropped or dead, they are
/// easily overlooked, and when it is all of them, the key is the wrong one.
package final class LookupWatch: NodeWatch {
    /// Records after which it is said that none of them had a row.
    static let recordsMin = 3_000

    private let plan: LookupPlan
    private let tell: @Sendable (Remark) -> Void
    private let looked = Atomic(0)
    private let missed = Atomic(0)
    private let hasWarned = Atomic(false)

    init(_ plan: LookupPlan, _ tell: @escaping @Sendable (Remark) -> Void) {
        self.plan = plan
        self.tell = tell
    }

    func count(_ records: Int, missed count: Int) {
        let all = looked.wrappingAdd(records, ordering: .relaxed).newValue
        let none = missed.wrappingAdd(count, ordering: .relaxed).newValue
        guard all >= Self.recordsMin, none == all, !hasWarned.exchange(true, ordering: .relaxed) else { return }
        tell(
            Remark(
                message: "No record so far has a row in a lookup; is it looked up by the right columns?",
                metadata: metadata(none, all)))
    }

    package func conclude() {
        let (all, none) = (looked.load(ordering: .relaxed), missed.load(ordering: .relaxed))
        guard none > 0 else { return }
        let share =
            none == all ? (all == 1 ? "the only record" : "none of \(all) records") : "\(none) of \(all) records"
        tell(
            Remark(
                message: "Records had no row in a lookup", metadata: metadata(none, all),
                sentence: "the lookup \(plan.node): \(share) had \(none == all && all > 1 ? "a" : "no") row in "
                    + "\(plan.origin.name) by \(keys)"))
    }

    private var keys: String { plan.keys.map { "\($0.field) = \($0.dimension.name)" }.joined(separator: ", ") }

    private func metadata(_ missed: Int, _ looked: Int) -> Logger.Metadata {
        [
            "node": "\(plan.node)", "source": "\(plan.origin.name)", "by": "\(keys)", "missing": "\(missed)",
            "of": "\(looked)",
        ]
    }
}
