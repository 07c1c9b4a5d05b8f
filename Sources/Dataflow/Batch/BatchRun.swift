/// Consecutive messages of one partition in a batch.
public struct BatchRun: Sendable {
    /// The partition, by the index `Intake.claim` gave it.
    public var partition: Int
    /// Where the source stood in the partition before it took the run's first message. Not that message's offset: logs
    /// have gaps (markers, compaction). The engine admits the run only if the partition stands there.
    ///
    /// Nil, in a log without gaps: at the first message's offset.
    public var from: Int64?
    /// The run's messages in `Batch.messages`.
    public var messages: Range<Int>
    /// Tombstones (null payloads) met on the way: counted as read and filtered, never copied.
    public var tombstones: Int
    /// The position after the run: where reading continues.
    public var nextOffset: Int64
    /// The record to keep for the tail check: one before `nextOffset`; nil keeps the one that is stored.
    public var tail: Tail?
    /// The run's rows, set by the parser.
    public var rows: Range<Int> = 0..<0
    /// The latest event time of its good records in microseconds since 1970, set by the parser; nil where there is none.
    public var eventTime: Int64?
    /// The clock of its partition: before the run where `beginsClock`, set when the batch is submitted; behind it, set by a
    /// parser that keeps clocks.
    public var clock: EventClock?
    /// Whether it is the first run of its partition since that was claimed, read again or set elsewhere by a person.
    public package(set) var beginsClock = false
    /// Stands for the partition in every process and every run; set when the batch is submitted.
    public package(set) var identity: UInt64 = 0

    /// Creates a run.
    public init(
        partition: Int, from: Int64? = nil, messages: Range<Int>, tombstones: Int, nextOffset: Int64, tail: Tail?
    ) {
        self.partition = partition
        self.from = from
        self.messages = messages
        self.tombstones = tombstones
        self.nextOffset = nextOffset
        self.tail = tail
    }
}
