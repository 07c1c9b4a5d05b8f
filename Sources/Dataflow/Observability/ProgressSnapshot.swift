/// What a running pipeline can tell a person, at one moment.
public struct ProgressSnapshot: Sendable {
    /// Records committed since the start, as the ledger counts them.
    public var records: Int64 = 0
    /// Of these, records in dead letters.
    public var deadLetters: Int64 = 0
    /// Records read and not committed yet.
    public var uncommitted: Int64 = 0
    /// Payload bytes since the start.
    public var bytes: Int64 = 0
    /// Epochs committed since the start.
    public var epochs: Int64 = 0
    /// Groups written since the start.
    public var rows: Int64 = 0
    /// How long the last commit took.
    public var lastCommit: Duration?
    /// Records that are not committed yet: those still to be read, as far as the sources know, and those read.
    public var lag: Int64?
    /// The memory account.
    public var memory = MemoryAccount(budget: 0)
    /// Bytes that wait in the sources' own queues, of those that `memory` reserves for them.
    public var queued: Int?
    /// What the pipeline waits for, as short phrases.
    public var troubles: [String] = []

    /// A snapshot of nothing.
    public init() {}
}
