/// Counts register values for the estimator.
enum RegisterHistogram {
    private static let slots = HyperLogLogEstimator.histogramSlots

    /// Adds every register to `counts`, which has room for four histograms; the sum ends in the first.
    ///
    /// Four partial histograms, since incrementing the same counter in a row waits for the store before.
    static func count(
        registers: UnsafeRawBufferPointer, occupied: UnsafeBufferPointer<UInt64>,
        into counts: UnsafeMutablePointer<UInt32>
    ) {
        var zeros = registers.count
        for word in 0..<occupied.count {
            var bits = unsafe occupied[word]
            zeros &-= bits.nonzeroBitCount
            if bits.nonzeroBitCount < 32 {
                while bits != 0 {
                    let index = word &* 64 &+ bits.trailingZeroBitCount
                    unsafe counts[Int(registers[index])] &+= 1
                    bits &= bits &- 1
                }
            } else {
                let first = word &* 64
                var index = first
                while index < min(first &+ 64, registers.count) {
                    unsafe counts[Int(registers[index])] &+= 1
                    unsafe counts[slots &+ Int(registers[index &+ 1])] &+= 1
                    unsafe counts[2 &* slots &+ Int(registers[index &+ 2])] &+= 1
                    unsafe counts[3 &* slots &+ Int(registers[index &+ 3])] &+= 1
                    index &+= 4
                }
            }
        }
        for value in 1..<slots {
            unsafe counts[value] &+=
                counts[slots &+ value] &+ counts[2 &* slots &+ value] &+ counts[3 &* slots &+ value]
        }
        // The dense branch counts zeros too; the bitmap knows them all.
        unsafe counts[0] = UInt32(truncatingIfNeeded: zeros)
    }
}
