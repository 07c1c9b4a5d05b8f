/// One distinct-count sketch, open for merging: what a commit reads stored bytes into, adds a delta to and encodes.
///
/// HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with postgresql-hll's registers and bytes and Ertl's 2017
/// estimator. The state is a function of the *set* of hashes: any order, any partition and any tree of merges gives
/// the same bytes. Inserting twice or merging twice changes nothing.
///
/// Takes 2^log2m bytes and one bit per register, whatever it holds; reuse one and `reset()` it. Resetting, merging
/// and encoding a sketch of k filled registers cost O(k + 2^log2m / 64). For millions of groups at once use
/// `DistinctCountTable`.
public struct HyperLogLog: Sendable {
    enum Stage: UInt8, Sendable {
        case empty
        case explicit
        case registers
    }

    /// What the sketch was made with.
    public let parameters: HyperLogLogParameters
    var stage = Stage.empty
    /// The hashes seen, ascending as signed integers; only in the explicit stage.
    var hashes: [UInt64] = []
    /// One byte per register; all zero outside the registers stage.
    var registers: [UInt8]
    /// Bit i tells that register i is not zero.
    var occupied: [UInt64]

    /// A sketch that has seen nothing.
    public init(parameters: HyperLogLogParameters) {
        self.parameters = parameters
        registers = Array(repeating: 0, count: parameters.registerCount)
        occupied = Array(repeating: 0, count: (parameters.registerCount + 63) / 64)
        hashes.reserveCapacity(min(parameters.explicitLimit, 64))
    }

    /// Whether no hash was ever inserted or merged.
    public var isEmpty: Bool { stage == .empty }

    /// One standard deviation of `estimate()`, relative.
    public var standardError: Double { parameters.standardError }

    /// Forgets everything, keeping the memory.
    public mutating func reset() {
        hashes.removeAll(keepingCapacity: true)
        if stage == .registers { clearRegisters() }
        stage = .empty
    }

    /// Adds one value by its 64-bit hash.
    public mutating func insert(_ hash: UInt64) {
        switch stage {
        case .registers:
            insertRegister(of: hash)
        case .empty where parameters.explicitLimit == 0:
            stage = .registers
            insertRegister(of: hash)
        case .empty, .explicit:
            stage = .explicit
            insertExplicit(hash)
        }
    }

    /// Merges another sketch into this one.
    ///
    /// - Throws: `SketchError.Code.parameterMismatch` when the parameters differ; nothing has changed then.
    public mutating func merge(_ other: HyperLogLog) throws(SketchError) {
        try Self.checkEqual(other.parameters, parameters)
        switch other.stage {
        case .empty:
            return
        case .explicit:
            for hash in other.hashes { insert(hash) }
        case .registers:
            enterRegisters()
            for word in occupied.indices where other.occupied[word] != 0 {
                occupied[word] |= other.occupied[word]
                let first = word * 64
                for index in first..<min(first + 64, registers.count) {
                    registers[index] = max(registers[index], other.registers[index])
                }
            }
        }
    }

    /// About how many distinct hashes were inserted; exact up to the threshold, 0 for an empty sketch.
    ///
    /// - Complexity: O(filled registers + 2^log2m / 64).
    public func estimate() -> Double {
        switch stage {
        case .empty: 0
        case .explicit: Double(hashes.count)
        case .registers: estimateFromRegisters()
        }
    }

    static func checkEqual(
        _ found: HyperLogLogParameters, _ expected: HyperLogLogParameters
    ) throws(SketchError) {
        guard found == expected else {
            throw .init(
                .parameterMismatch,
                "distinct count: sketches of different parameters cannot be merged, found \(found), "
                    + "expected \(expected) (log2m/regwidth/expthresh/sparseon)")
        }
    }

    /// Turns kept hashes into registers, if that has not happened.
    mutating func enterRegisters() {
        guard stage != .registers else { return }
        stage = .registers
        for hash in hashes { insertRegister(of: hash) }
        hashes.removeAll(keepingCapacity: true)
    }

    private mutating func insertExplicit(_ hash: UInt64) {
        let signed = Int64(bitPattern: hash)
        var low = 0
        var high = hashes.count
        while low < high {
            let middle = (low + high) / 2
            if Int64(bitPattern: hashes[middle]) < signed { low = middle + 1 } else { high = middle }
        }
        if low < hashes.count, hashes[low] == hash { return }
        if hashes.count < parameters.explicitLimit {
            hashes.insert(hash, at: low)
        } else {
            enterRegisters()
            insertRegister(of: hash)
        }
    }

    private mutating func insertRegister(of hash: UInt64) {
        let rest = hash >> UInt64(parameters.log2m)
        guard rest != 0 else { return }
        raise(
            Int(truncatingIfNeeded: hash) & (parameters.registerCount - 1),
            to: UInt8(truncatingIfNeeded: min(rest.trailingZeroBitCount + 1, parameters.registerMaximum)))
    }

    /// Raises one register; `value` is not zero.
    @inline(__always)
    mutating func raise(_ index: Int, to value: UInt8) {
        guard registers[index] < value else { return }
        registers[index] = value
        occupied[index >> 6] |= 1 << UInt64(index & 63)
    }

    /// Clears only what was filled while little was.
    private mutating func clearRegisters() {
        for word in occupied.indices where occupied[word] != 0 {
            let first = word * 64
            for index in first..<min(first + 64, registers.count) { registers[index] = 0 }
            occupied[word] = 0
        }
    }

    private func estimateFromRegisters() -> Double {
        unsafe withUnsafeTemporaryAllocation(
            of: UInt32.self, capacity: 4 * HyperLogLogEstimator.histogramSlots
        ) { histogram in
            guard let counts = histogram.baseAddress else { return 0 }
            unsafe counts.initialize(repeating: 0, count: histogram.count)
            unsafe registers.withUnsafeBytes { bytes in
                unsafe occupied.withUnsafeBufferPointer { filled in
                    unsafe RegisterHistogram.count(registers: bytes, occupied: filled, into: counts)
                }
            }
            return unsafe HyperLogLogEstimator.estimate(histogram: counts, parameters: parameters)
        }
    }
}
