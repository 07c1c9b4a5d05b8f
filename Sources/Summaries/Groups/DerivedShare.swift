import Synchronization

/// How much memory it takes to make what a summary derives, the groups of windows and of derived sets, for each byte of
/// the groups that are counted.
///
/// They are made when an epoch is closed already, so their memory is set aside while it fills: what the last epoch took
/// and a quarter more. Before there was one, that is as much for each derived set, and for each window that a pane is a
/// part of beside the first, as for all that is counted, and a quarter more. How soon an epoch closes never changes a
/// result.
package final class DerivedShare: Sendable {
    private let percent: Atomic<Int>
    /// Whether anything is derived.
    let isOfUse: Bool

    /// Nothing is known yet of a summary's groups.
    package convenience init(_ plan: SummaryPlan) {
        let windows = plan.windows.reduce(0) { $0 + $1.function.windowsPerPane }
        // Panes that tell zones apart are merged even where there is one window.
        self.init(
            sets: SetDerivation(plan.sets).derived.count, windows: max(1, windows) + (plan.zoneField == nil ? 0 : 1))
    }

    /// Nothing is known yet of `sets` derived sets and of windows of which each pane is a part.
    package init(sets: Int, windows: Int = 1) {
        isOfUse = windows > 1 || sets > 0
        percent = Atomic((sets * windows + windows - 1) * 125)
    }

    /// Bytes to set aside beside `counted` bytes of counted groups.
    func reserve(for counted: Int) -> Int { counted * percent.load(ordering: .relaxed) / 100 }

    /// Takes note of a complete epoch.
    func observe(counted: Int, derived: Int) {
        percent.store(max(0, derived) * 125 / max(1, counted), ordering: .relaxed)
    }
}
