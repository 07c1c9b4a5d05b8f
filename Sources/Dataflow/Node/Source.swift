/// A node that brings messages in. It runs on a thread of its own and talks to the pipeline through its `Intake`.
public protocol Source: AnyObject, Sendable {
    /// Reads until the source ends or `intake.isStopping`. Blocks.
    /// - Throws: what stops the whole pipeline; what may pass is retried inside.
    func run(_ intake: Intake) throws

    /// Leaves the group and frees what the source holds, after the last commit and after `run` returned. Blocks, for a
    /// bounded time.
    func close(_ intake: Intake)

    /// What the source can tell for the progress display.
    var status: SourceStatus { get }
}

/// What a source tells about itself.
public struct SourceStatus: Sendable {
    /// Records still to be read, as far as known.
    public var lag: Int64?
    /// What the source waits for, as a short phrase; nil when all is well.
    public var trouble: String?

    /// Bytes that wait in queues of the source's own, nil when it has none.
    public var queuedBytes: Int?

    /// The consumer group that has no partition left for it; nil when it has some, or they are still shared out.
    public var idleGroup: String?

    /// Creates a status.
    public init(lag: Int64? = nil, trouble: String? = nil, queuedBytes: Int? = nil) {
        self.lag = lag
        self.trouble = trouble
        self.queuedBytes = queuedBytes
    }
}
