/// What fixes the bytes of a distinct-count sketch; constant for a column, equal in every merge.
///
/// In the notation of postgresql-hll, `hll(log2m, regwidth, expthresh, sparseon)`. The error of an estimate is about
/// `1.04 / sqrt(2^log2m)` (one standard deviation), and zero while no more than `explicitThreshold` distinct values
/// were seen.
public struct HyperLogLogParameters: Hashable, Sendable {
    /// Binary logarithm of the number of registers, 4...17.
    public let log2m: Int
    /// Bits per register: 4 or 5. A sketch decoded from elsewhere may have 6.
    public let registerWidth: Int
    /// Distinct values counted exactly: 0 (none), a power of two up to 8,192, or `automaticThreshold`.
    public let explicitThreshold: Int
    /// Whether few registers are stored as (index, value) words.
    public let sparse: Bool

    /// The value of `explicitThreshold` by which postgresql-hll keeps hashes while they are smaller than registers.
    public static let automaticThreshold = -1

    /// 12/5/8: exact to 8 distinct values, standard error 1.6 %; the default.
    public static let standard = Self(uncheckedLog2m: 12, registerWidth: 5, explicitThreshold: 8)
    /// 12/5/0: never exact, standard error 1.6 %, the least memory.
    public static let compact = Self(uncheckedLog2m: 12, registerWidth: 5, explicitThreshold: 0)
    /// 14/5/32: exact to 32 distinct values, standard error 0.8 %.
    public static let precise = Self(uncheckedLog2m: 14, registerWidth: 5, explicitThreshold: 32)

    /// Parameters for new sketches.
    ///
    /// - Throws: `SketchError.Code.invalidParameters`. A register width of 6 or more is refused because the
    ///   postgresql-hll extension answers NaN for it; below 4, padding could be taken for a register.
    public init(log2m: Int, registerWidth: Int = 5, explicitThreshold: Int, sparse: Bool = true) throws(SketchError) {
        guard (4...17).contains(log2m) else {
            throw .init(.invalidParameters, "distinct count: log2m out of range, found \(log2m), expected 4 to 17")
        }
        guard (4...5).contains(registerWidth) else {
            throw .init(
                .invalidParameters,
                "distinct count: register width out of range, found \(registerWidth), expected 4 or 5; "
                    + "the hll extension returns NaN for 6 and more")
        }
        guard
            explicitThreshold == Self.automaticThreshold || explicitThreshold == 0
                || (1...8192).contains(explicitThreshold) && explicitThreshold.nonzeroBitCount == 1
        else {
            throw .init(
                .invalidParameters,
                "distinct count: exact threshold not usable, found \(explicitThreshold), "
                    + "expected 0, -1 (automatic) or a power of two up to 8192")
        }
        self.init(
            uncheckedLog2m: log2m, registerWidth: registerWidth, explicitThreshold: explicitThreshold, sparse: sparse)
    }

    init(uncheckedLog2m log2m: Int, registerWidth: Int, explicitThreshold: Int, sparse: Bool = true) {
        self.log2m = log2m
        self.registerWidth = registerWidth
        self.explicitThreshold = explicitThreshold
        self.sparse = sparse
    }

    /// Registers in a sketch, 2^log2m.
    public var registerCount: Int { 1 << log2m }

    /// One standard deviation of an estimate, relative: sqrt(3 ln 2 - 1) / sqrt(m), Ertl 2017.
    public var standardError: Double { 1.038_962_5 / Double(registerCount).squareRoot() }

    /// Distinct hashes kept before registers are used, with the automatic threshold resolved.
    var explicitLimit: Int {
        explicitThreshold == Self.automaticThreshold ? fullBodyBytes / 8 : explicitThreshold
    }

    /// Largest value of a register.
    var registerMaximum: Int { (1 << registerWidth) - 1 }

    /// Bits of one word of a SPARSE body.
    var sparseWordBits: Int { log2m + registerWidth }

    /// Bytes of a FULL body.
    var fullBodyBytes: Int { registerCount * registerWidth / 8 }
}

extension HyperLogLogParameters: CustomStringConvertible {
    /// `log2m/regwidth/expthresh/sparseon`, as in the extension's type modifier.
    public var description: String { "\(log2m)/\(registerWidth)/\(explicitThreshold)/\(sparse ? 1 : 0)" }
}
