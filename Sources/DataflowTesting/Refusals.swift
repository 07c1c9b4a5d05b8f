import Dataflow
import Synchronization

/// Records that a database refuses for what they hold. Who has met one reads it again as a dead letter.
package final class Refusals: Sendable {
    private let known = Mutex<Set<Int64>>([])
    private let areOn: Bool

    /// Creates the refusals of one instance; none when they are off.
    package init(areOn: Bool) { self.areOn = areOn }

    /// Whether the database refuses a value.
    package static func refuses(_ value: Int64) -> Bool { value % 97 == 3 && ModelLog.fate(of: value) == .applied }

    /// Whether the database will refuse a value, and nobody knows.
    func isHidden(_ value: Int64) -> Bool { areOn && Self.refuses(value) && !isKnown(value) }

    /// Whether the database has refused a value.
    func isKnown(_ value: Int64) -> Bool { areOn && Self.refuses(value) && known.withLock { $0.contains(value) } }

    /// Whether an epoch is refused; what it holds is known afterwards.
    func refuse(_ epoch: ClosedEpoch) -> Bool {
        let met = epoch.deltas.values.compactMap { ($0 as? TallyDelta)?.refused }.joined()
        known.withLock { $0.formUnion(met) }
        return !met.isEmpty
    }
}
