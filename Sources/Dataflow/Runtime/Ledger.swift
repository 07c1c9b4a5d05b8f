/// A partition of a topic, or a file: what has a position of its own.
public struct PartitionKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The topic's name; for files `file:` and the path.
    public var topic: String
    /// The partition's number; 0 for files.
    public var partition: Int32

    /// Creates a key.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// `topic[partition]`.
    public var description: String { "\(topic)[\(partition)]" }

    /// Stands for the key in every process: FNV-1a of its bytes (Fowler, Noll, Vo; 64 bits).
    package var identity: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in topic.utf8 { add(byte) }
        for shift in [0, 8, 16, 24] { add(UInt8(truncatingIfNeeded: partition >> Int32(shift))) }
        return hash
    }

    /// By topic, then partition: the order in which locks are taken.
    public static func < (left: PartitionKey, right: PartitionKey) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// The last record consumed of a partition, by which a truncated or re-created topic is found out.
public struct Tail: Hashable, Sendable {
    /// The record's offset.
    public var offset: Int64
    /// The record's timestamp in milliseconds since 1970, nil when it has none; of a file, whose records have none, the
    /// checksum of its beginning.
    public var timestamp: Int64?
    /// A hash of the record's payload.
    public var checksum: Int64

    /// Creates a tail.
    public init(offset: Int64, timestamp: Int64?, checksum: Int64) {
        self.offset = offset
        self.timestamp = timestamp
        self.checksum = checksum
    }
}

/// What became of the records of a partition: `read == applied + filtered + dead + refused`, always.
public struct LedgerCounters: Hashable, Sendable {
    /// Records taken from the source, tombstones included.
    public var read: Int64 = 0
    /// Records that reached a summary or a sink.
    public var applied: Int64 = 0
    /// Good records that no node wanted, and tombstones.
    public var filtered: Int64 = 0
    /// Records in the dead letters table.
    public var dead: Int64 = 0
    /// Records refused as too old.
    public var refused: Int64 = 0

    /// All zero.
    public init() {}

    /// Whether every record is accounted for.
    public var isBalanced: Bool { read == applied + filtered + dead + refused }

    /// Adds the counts of other records of the same partition.
    public static func += (left: inout LedgerCounters, right: LedgerCounters) {
        left.read += right.read
        left.applied += right.applied
        left.filtered += right.filtered
        left.dead += right.dead
        left.refused += right.refused
    }
}

/// How far one partition moves in one epoch.
public struct PartitionAdvance: Sendable {
    /// The partition.
    public var key: PartitionKey
    /// The fencing number the partition was claimed with.
    public var ownerEpoch: Int64
    /// The position before the epoch: what the database must still say.
    public var from: Int64
    /// The position after the epoch.
    public var to: Int64
    /// The last record before `to`; nil when the epoch held only tombstones of it.
    public var tail: Tail?
    /// What became of the records.
    public var counters = LedgerCounters()
    /// The latest event time of the records, in microseconds since 1970; nil when none had one.
    public var eventTime: Int64?
    /// The partition's clock behind its last record; nil when nobody keeps it.
    public private(set) var clock: EventClock?
    /// Behind which record that is.
    private var clockOffset: Int64 = 0
    /// Where the log ended when its source looked last; nil when that is not known.
    public var logEnd: Int64?
    /// Messages on the way, tombstones included.
    public private(set) var messages: Int64 = 0

    /// Creates an advance that has not moved yet.
    public init(key: PartitionKey, ownerEpoch: Int64, from: Int64) {
        self.key = key
        self.ownerEpoch = ownerEpoch
        self.from = from
        self.to = from
    }

    /// Takes note of how far in event time a run has got; in any order.
    mutating func note(_ run: BatchRun) {
        if let time = run.eventTime { eventTime = max(eventTime ?? time, time) }
        guard let clock = run.clock, run.nextOffset >= clockOffset else { return }
        (self.clock, clockOffset) = (clock, run.nextOffset)
    }

    /// Moves on over so many messages.
    mutating func move(to position: Int64, tail: Tail?, messages: Int64) {
        to = position
        if let tail { self.tail = tail }
        self.messages += messages
    }
}
