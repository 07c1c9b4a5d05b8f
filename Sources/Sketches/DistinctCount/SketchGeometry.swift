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
