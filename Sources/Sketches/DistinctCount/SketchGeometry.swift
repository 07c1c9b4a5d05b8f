/// Numbers that follow from the parameters and are needed at every update.
struct SketchGeometry {
    let log2m: UInt64
    let indexMask: UInt64
    let registerCount: Int
    let width: UInt64
    let valueMask: UInt64
    let wordBits: Int
    let wordMask: UInt32
    let inlineWords: Int
    /// SPARSE words that an unaligned 64-bit load always holds whole: 3 up to 19 bits, else 2.
    let laneCount: Int
    /// The lowest bit of each of those words.
    let laneOnes: UInt64
    let explicitLimit: Int
    /// Exceptions that a nibble body has room for.
    let exceptionsMax: Int
    /// False where a nibble body would not be smaller than a FULL body (fewer than 2^9 registers).
    let usesNibbles: Bool

    /// Bytes before the nibbles: registers at base (UInt32), exceptions (UInt32).
    static let nibbleHeader = 8
    /// Bytes of an exception, a SPARSE word by itself.
    static let exceptionBytes = 3

    init(_ parameters: HyperLogLogParameters) {
        log2m = UInt64(parameters.log2m)
        registerCount = parameters.registerCount
        indexMask = UInt64(parameters.registerCount - 1)
        width = UInt64(parameters.registerWidth)
        valueMask = UInt64(parameters.registerMaximum)
        wordBits = parameters.sparseWordBits
        wordMask = (1 as UInt32) << UInt32(parameters.sparseWordBits) - 1
        inlineWords = GroupWord.inlineBits / parameters.sparseWordBits
        laneCount = (64 - 7) / parameters.sparseWordBits >= 3 ? 3 : 2
        let step = UInt64(parameters.sparseWordBits)
        laneOnes = 1 | 1 << step | (laneCount == 3 ? 1 << (2 * step) : 0)
        explicitLimit = parameters.explicitLimit
        // Offsets of 15 and more are rare: about 2 of 4,096 registers at the worst number of values.
        exceptionsMax = max(8, parameters.registerCount / 512)
        usesNibbles =
            Self.nibbleHeader + registerCount / 2 + exceptionsMax * Self.exceptionBytes < parameters.fullBodyBytes
    }

    var exceptionsOffset: Int { Self.nibbleHeader &+ registerCount &>> 1 }
    var nibbleBytes: Int { exceptionsOffset + exceptionsMax * Self.exceptionBytes }

    /// The register of a hash; the value is 0 when the hash leaves no trace.
    @inline(__always)
    func register(of hash: UInt64) -> (index: UInt64, value: UInt64) {
        let rest = hash &>> log2m
        let value = UInt64(truncatingIfNeeded: rest.trailingZeroBitCount &+ 1)
        return (hash & indexMask, rest == 0 ? 0 : min(value, valueMask))
    }
}
