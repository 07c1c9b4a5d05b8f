import Synchronization

/// How much memory the derived groups of a summary take, for each byte of the groups that are counted.
///
/// Derived groups are made when an epoch is closed already, so their memory is set aside while it fills: what the last
/// epoch took and a quarter more. Before there was one, that is as much for each derived set as for all that is counted,
/// and a quarter more. How soon an epoch closes never changes a result.
package final class DerivedShare: Sendable {
    private let percent: Atomic<Int>

    /// Nothing is known yet of `sets` derived sets.
    package init(sets: Int) { percent = Atomic(sets * 125) }

    /// Bytes to set aside beside `counted` bytes of counted groups.
    func reserve(for counted: Int) -> Int { counted * percent.load(ordering: .relaxed) / 100 }

    /// Takes note of a complete epoch.
    func observe(counted: Int, derived: Int) {
        percent.store(derived * 125 / max(1, counted), ordering: .relaxed)
    }
}
