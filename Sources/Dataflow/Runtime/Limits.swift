/// Every bound of the engine: unit, default and reason in one place.
public enum Limits {
    /// Bytes readable behind a batch's payload; simdjson's stage 1 reads whole 64-byte blocks past the end.
    public static let parserPadding = 64
    /// Payload bytes of a batch at which the source submits it: large enough to amortise a hop, small enough for a
    /// core's second-level cache to hold a batch and its columns.
    public static let batchBytes = 512 * 1024
    /// Payload bytes that a batch keeps however short memory is.
    public static let batchBytesMin = 32 * 1024
    /// Messages of a batch at which the source submits it.
    public static let batchMessagesMax = 8_192
    /// In front of a node that may take long over a record: how often the size of a batch is halved at the start, and at most.
    public static let slowBatchHalvings = 9
    /// Payload bytes that a batch may have in front of it in any case.
    public static let slowBatchBytesMin = 8 * 1024
    /// Messages that a batch may have in front of it in any case.
    public static let slowBatchMessagesMin = 16
    /// How long a batch may take there is what the commit interval says, between these.
    public static let slowBatchTimes = Duration.milliseconds(100)...Duration.seconds(1)
    /// The least time between two commits unless the topology says otherwise.
    public static let commitInterval = Duration.milliseconds(250)
    /// How many intervals an epoch may last while more records wait than it holds: what is far behind gets no fresher by
    /// many small commits, and each row is written less often.
    public static let catchUpIntervals = 6
    /// The longest that a topology may say; also where nobody looks at the tables before the end.
    public static let commitIntervalMax = Duration.seconds(3_600)
    /// How long a source waits for a batch to fill before it submits what there is; bounds the added latency.
    public static let batchLinger = Duration.milliseconds(20)
    /// Batches waiting in front of one stage; the next one stops the producer.
    public static let mailboxBatchesMax = 4
    /// Bytes kept of a dead letter's payload.
    public static let deadLetterBytesMax = 4_096
    /// Bytes kept of the value that made a record a dead letter: enough to recognise it by.
    public static let foundValueBytesMax = 100
    /// Bytes kept of a message's key, for its dead letter.
    public static let messageKeyBytesMax = 256
    /// Dead letters waiting for a commit at which the epoch is closed early.
    public static let deadLettersPerEpoch = 10_000
    /// How often a connection with nothing to write is looked at: bounds how long a failover goes unnoticed.
    public static let idleConfirm = Duration.seconds(5)
    /// How long an orderly revoke may take to write what was read.
    public static let revokeFlush = Duration.seconds(20)
    /// How long the position of a partition that another instance has claimed must stand still before it is claimed back, at
    /// first: longer than a group takes to tell its members that a partition has moved.
    public static let takeoverPatience = Duration.seconds(10)
    /// And at last: it doubles with every claim that is soon followed by another takeover.
    public static let takeoverPatienceMax = Duration.seconds(300)
    /// How often partitions that another instance has claimed are looked at.
    public static let takeoverLook = Duration.seconds(1)
    /// How many times as long as its commits an epoch lasts where the topology asks for less than `commitInterval`.
    public static let commitIntervalsPerCommit = 4
    /// How long threads may take to end when nothing will be committed any more: then the pipeline ends without them.
    public static let threadsEnd = Duration.seconds(2)
    /// How long a node may have work and no permit, because other processes have them all, before that counts as trouble.
    public static let permitPatience = Duration.seconds(30)
    /// How long nothing may be committed, beyond an epoch's length, before it is said.
    public static let stall = Duration.seconds(5)
    /// How often it is looked whether anything moves.
    static let stallLook = Duration.seconds(1)
    /// The least time between two stalls that are logged.
    public static let stallRepeat = Duration.seconds(60)
    /// How long pressure on memory must be gone before it counts as over, in the log.
    public static let pressureGone = Duration.seconds(10)
    /// Anonymous bytes beyond the account at which free memory is given back to the system.
    public static let trimBytes = 16 << 20
    /// The least memory a topology can run in.
    public static let memoryMin = 64 << 20
    /// The memory a topology uses unless it says otherwise.
    public static let memoryDefault = 512 << 20
}
