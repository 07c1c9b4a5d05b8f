import Dataflow

/// What of a memory budget has a fixed size, and what that is unless the topology says: with little memory, batches and
/// librdkafka's queues are small.
struct FixedMemory {
    /// The budget in bytes.
    let budget: Int
    /// Payload bytes of a batch.
    let batchBytes: Int
    /// Bytes of all batches: payload, unescaped text and columns are some three times the payload.
    let batchesBytes: Int

    /// - Parameters:
    ///   - batches: how many there may be at once, of all sources.
    ///   - batchBytes: payload of a batch as the topology says, nil when it does not.
    init(budget: Int, batches: Int, batchBytes: Int?) {
        self.budget = budget
        var bytes = Limits.batchBytes
        let share = (budget - MemoryAccountant.programBytes) / 8
        while bytes > Limits.batchBytesMin, 3 * bytes * batches > share { bytes /= 2 }
        self.batchBytes = batchBytes ?? bytes
        batchesBytes = 3 * self.batchBytes * batches
    }

    /// Bytes that librdkafka may hold for each of `sources`: a third of what program and batches leave, for all.
    func queueShare(of sources: Int) -> Int {
        max(0, budget - MemoryAccountant.programBytes - batchesBytes) / 3 / max(1, sources)
    }

    /// What never shrinks must fit, with room to work in.
    /// - Parameter memory: the account, of which program and queues are drawn.
    /// - Throws: `MemoryShortage`.
    func check(_ memory: MemoryAccountant) throws(MemoryShortage) {
        let shortage = MemoryShortage(
            budget: budget, queues: memory.held(by: .queues), batches: batchesBytes)
        guard shortage.needed <= budget else { throw shortage }
    }
}

/// The memory budget does not even hold the queues and batches.
struct MemoryShortage: Error, CustomStringConvertible {
    /// Room for groups, without which nothing can be done.
    static let groupsMin = 8 << 20

    var budget: Int
    var queues: Int
    var batches: Int

    /// The least budget that holds them.
    var needed: Int { MemoryAccountant.programBytes + queues + batches + Self.groupsMin }

    var description: String {
        "memory: \(budget >> 20) MiB is too little for this topology, expected at least \((needed - 1) >> 20 + 1) MiB: "
            + "\(MemoryAccountant.programBytes >> 20) for the program, \(queues >> 20) for Kafka's queues, "
            + "\(batches >> 20) for batches, \(Self.groupsMin >> 20) for groups; raise memory, or lower "
            + "queued.max.messages.kbytes, fetch.max.bytes, batch_bytes or workers"
    }
}
