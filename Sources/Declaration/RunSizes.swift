import Dataflow
import Foundation

/// What of a memory budget has a fixed size, and what that is unless the topology says: with little memory, batches and
/// queues are small.
struct FixedMemory {
    /// The budget in bytes.
    let budget: Int
    /// Payload bytes of a batch.
    let batchBytes: Int
    /// Bytes of all batches: payload, unescaped text and columns are some three times the payload.
    let batchesBytes: Int

    /// - Parameters:
    ///   - batches: how many there may be at once, of all sources.
    ///   - batchBytes: payload of a batch as the topology says, or the default, which shrinks with the budget.
    init(budget: Int, batches: Int, batchBytes: CompiledTopology.Setting<Int>) {
        self.budget = budget
        var bytes = batchBytes.value
        let share = (budget - MemoryAccountant.programBytes) / 8
        while batchBytes.isDefault, bytes > Limits.batchBytesMin, 3 * bytes * batches > share { bytes /= 2 }
        self.batchBytes = bytes
        batchesBytes = 3 * bytes * batches
    }

    /// Bytes that the queues of each of `sources` may hold: a third of what program and batches leave, for all.
    func queueShare(of sources: Int) -> Int {
        max(0, budget - MemoryAccountant.programBytes - batchesBytes) / 3 / max(1, sources)
    }
}

/// How large everything is when a topology runs on this machine. `check` and `run` get it from the same place.
struct RunSizes {
    /// Threads that run operators.
    let workers: Int
    /// Batches.
    let fixed: FixedMemory
    /// Bytes that the queues of each source that has any may hold.
    let queueShare: Int
    /// Bytes that all of them may hold.
    let queues: Int

    /// What the queues are.
    let claims: [QueueClaim]

    /// What does not fit, or nil.
    var shortage: MemoryShortage? {
        let shortage = MemoryShortage(
            budget: fixed.budget, queues: queues, batches: fixed.batchesBytes, claims: claims)
        return shortage.needed <= fixed.budget ? nil : shortage
    }

    /// What never shrinks must fit, with room to work in.
    /// - Throws: `MemoryShortage`.
    func check() throws(MemoryShortage) {
        if let shortage { throw shortage }
    }
}

extension CompiledTopology {
    /// The sizes for a memory budget: batches shrink until they fit, and then the number of workers, unless the topology
    /// or the command line says how many.
    func sizes(
        _ overrides: RunOverrides, cores: Int = ProcessInfo.processInfo.activeProcessorCount
    ) -> RunSizes {
        if let workers = overrides.workers ?? workers { return sizes(overrides, workers: workers) }
        var workers = max(1, cores)
        while workers > 1 {
            let sizes = sizes(overrides, workers: workers)
            if sizes.shortage == nil { return sizes }
            workers -= 1
        }
        return sizes(overrides, workers: 1)
    }

    private func sizes(_ overrides: RunOverrides, workers: Int) -> RunSizes {
        let fixed = FixedMemory(
            budget: overrides.memoryBytes ?? memoryBytes,
            batches: PipelineSettings(workers: workers).batchesMax * sources.count, batchBytes: batchBytes)
        let claims = sources.compactMap(\.plan.queues)
        let share = fixed.queueShare(of: claims.count)
        return RunSizes(
            workers: workers, fixed: fixed, queueShare: share, queues: claims.reduce(0) { $0 + $1.bytes(share) },
            claims: claims)
    }

    /// Makes sure that what never shrinks fits into the memory budget.
    /// - Throws: `MemoryShortage`, which says what is too little, and the way out.
    public func checkMemory(_ overrides: RunOverrides) throws { try sizes(overrides).check() }

    /// The least time between commits when it runs.
    func commitInterval(_ overrides: RunOverrides) -> Duration {
        if let interval = overrides.commitInterval { return interval }
        return commitInterval.isDefault && isReadAtEndOnly ? Limits.commitIntervalMax : commitInterval.value
    }
}

/// The memory budget does not even hold the queues and batches.
struct MemoryShortage: Error, CustomStringConvertible {
    /// Room for groups, without which nothing can be done.
    static let groupsMin = 8 << 20

    var budget: Int
    var queues: Int
    var batches: Int
    /// What the queues are.
    var claims: [QueueClaim]

    /// The least budget that holds them.
    var needed: Int { MemoryAccountant.programBytes + queues + batches + Self.groupsMin }

    /// What is too little, with the sum, in whole MiB that add up.
    var what: String {
        func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
        var parts = [(mebibytes(MemoryAccountant.programBytes), "the program")]
        if let claim = claims.first { parts.append((mebibytes(queues), claim.name)) }
        parts += [(mebibytes(batches), "batches"), (mebibytes(Self.groupsMin), "groups")]
        let sum = parts.reduce(0) { $0 + $1.0 }
        return "memory: \(budget >> 20) MiB is too little for this topology, expected at least \(sum) MiB: "
            + parts.map { "\($0.0) for \($0.1)" }.joined(separator: ", ")
    }

    /// The way out.
    var hint: String {
        "raise memory, or lower \((claims.prefix(1).map(\.settings) + ["batch_bytes"]).joined(separator: ", ")) or workers"
    }

    var description: String { "\(what); \(hint)" }
}
