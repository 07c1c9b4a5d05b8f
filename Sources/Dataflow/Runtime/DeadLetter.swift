/// What is wrong with a record that cannot be used.
///
/// `code`, `node` and `field` are its cause: alike for every record with which the same is wrong, so that letters can be
/// counted by them. `reason` is for people and may say where in the record it is.
public struct RecordFault: Hashable, Sendable {
    /// A short name: `wrong_type`.
    public var code: String
    /// The node that cannot use it; nil until somebody who knows has said so.
    public var node: String?
    /// The field that is wrong, nil when it is the record as a whole. Of a row that a database refuses: the constraint or
    /// the column that refuses it, nil when neither is known.
    public var field: String?
    /// The value found there, as it stands in the record and cut at `Limits.foundValueBytesMax`; nil where no one value
    /// is to blame. Of a row that a database refuses: its code for that, such as an SQLSTATE.
    public var found: String?
    /// A sentence. Holds no record contents.
    public var reason: String

    /// Describes a fault.
    public init(_ code: String, node: String? = nil, field: String? = nil, found: String? = nil, _ reason: String) {
        self.code = code
        self.node = node
        self.field = field
        self.found = found
        self.reason = reason
    }
}

/// A record that could not be used, kept for the dead letters table.
public struct DeadLetter: Sendable {
    /// The partition, by the index `Intake.claim` gave it.
    public var partition: Int
    /// The message's offset; for files the byte position of the line.
    public var offset: Int64
    /// 0-based line inside the message; 0 when a message is one document.
    public var line: Int32
    /// Which element of its document it is, such as `orders[1].items[0]`; nil when it is the document.
    public var element: String?
    /// What is wrong with it.
    public var fault: RecordFault
    /// The record's bytes, cut at `Limits.deadLetterBytesMax`.
    public var payload: [UInt8]
    /// The message's key, cut at `Limits.messageKeyBytesMax`; nil when it has none.
    public var key: [UInt8]?
    /// The message's timestamp in milliseconds since 1970, nil when it has none.
    public var timestamp: Int64?
    /// Whether the ledger counts the record as dead; false when it is refused as too late or too early.
    public var isDead = true
    /// The nodes that have refused the record, in order, so that only what is behind them lacks it; none when it could not
    /// be read, and everything lacks it.
    public var refusers: [String] = []
    /// What its partition's clock showed before it, in microseconds since 1970; nil where nobody keeps that.
    public var clock: Int64?

    /// Creates a dead letter.
    public init(
        partition: Int, offset: Int64, line: Int32, fault: RecordFault, payload: [UInt8], key: [UInt8]? = nil,
        timestamp: Int64?
    ) {
        self.partition = partition
        self.offset = offset
        self.line = line
        self.fault = fault
        self.payload = payload
        self.key = key
        self.timestamp = timestamp
    }

    /// Bytes that it holds, beside its strings.
    public var byteCount: Int { payload.count + (key?.count ?? 0) }
}

extension [DeadLetter] {
    /// Bytes the letters hold.
    var memoryBytes: Int { reduce(0) { $0 + $1.byteCount + 256 } }
}
