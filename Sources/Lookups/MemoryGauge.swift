import Sketches
import Synchronization

/// Counts what a table holds, and tells its user of every change.
final class MemoryGauge: Sendable {
    private let held = Atomic(0)
    private let peakHeld = Atomic(0)
    private let onChange: @Sendable (Int) -> Void

    init(_ onChange: @escaping @Sendable (Int) -> Void) { self.onChange = onChange }

    /// Bytes held now.
    var bytes: Int { held.load(ordering: .relaxed) }
    /// The most that was held at once since ``restartPeak()``.
    var peak: Int { peakHeld.load(ordering: .relaxed) }

    func restartPeak() { peakHeld.store(bytes, ordering: .relaxed) }

    /// Adds bytes, negative to give back.
    func draw(_ bytes: Int) {
        guard bytes != 0 else { return }
        let now = held.wrappingAdd(bytes, ordering: .relaxed).newValue
        peakHeld.max(now, ordering: .relaxed)
        onChange(bytes)
    }
}

/// Owns a block of memory that is in the account as long as it lives.
@safe struct AccountedBlock: ~Copyable, @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let gauge: MemoryGauge

    init(byteCount: Int, _ gauge: MemoryGauge) {
        self.byteCount = max(byteCount, 1)
        self.gauge = gauge
        gauge.draw(self.byteCount)
        unsafe base = TableMemory.allocate(self.byteCount)
    }

    deinit {
        unsafe TableMemory.deallocate(base, byteCount)
        gauge.draw(-byteCount)
    }
}
