package import Logging
import Lookups
import Synchronization

/// Says how many records had no row in a lookup: null, dropped or dead, they are easily overlooked, and when it is all of
/// them, the key is the wrong one.
package final class LookupReport: Sendable {
    private let tell: @Sendable (Remark) -> Void
    private let watches = Mutex<[LookupWatch]>([])

    /// Creates a report that tells its remarks to `tell`, from any thread.
    package init(_ tell: @escaping @Sendable (Remark) -> Void) { self.tell = tell }

    /// Creates a report that speaks through `logger`.
    package convenience init(logger: Logger) { self.init { logger.write($0) } }

    /// A watch over the records of one node.
    func watch(_ plan: LookupPlan) -> LookupWatch {
        let watch = LookupWatch(plan, tell)
        watches.withLock { $0.append(watch) }
        return watch
    }

    /// Says, at the end, how many there were.
    package func conclude() {
        for watch in watches.withLock({ $0 }) { watch.conclude() }
    }
}

/// Counts the records of one node that were looked up, and those for which nothing was found.
final class LookupWatch: Sendable {
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

    func conclude() {
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
