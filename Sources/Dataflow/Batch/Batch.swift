import Synchronization

/// How a batch's messages hold documents.
public enum Framing: Sendable {
    /// One document per message.
    case document
    /// Many documents per message, one per line.
    case lines
    /// Lines of a file: a message is a chunk that happened to be read at once, a line's offset its byte position.
    case chunk
}

/// The unit that moves through the pipeline: the payloads of some thousand messages in one buffer, then the typed
/// columns parsed from them. Reused, never allocated per event.
///
/// ```
/// buffer   [ message '\n' message '\n' … | padding | arena of unescaped text ]
/// messages [ (start, length, offset) … ]          in order, grouped into runs by partition
/// columns  [ values, valid ] per field            rowCount rows
/// ```
///
/// `@unchecked Sendable`: a batch has one writer at a time (source, then the stage that parses it); nodes after that
/// only read it, except for `markApplied`, which takes the batch's lock.
@safe public final class Batch: @unchecked Sendable {
    /// Where in the pipeline's life the batch was read; set when it is submitted.
    public internal(set) var epoch: UInt64 = 0
    /// Counts the rewinds. A batch of another generation than the present one is not admitted; admitted before, it leaves the
    /// mailboxes, or the stage that is working on it, with nothing more done.
    public internal(set) var generation: UInt64 = 0
    /// Which source read it.
    public internal(set) var source = 0

    /// Different for every fill of every batch: what per-batch caches are keyed by.
    public package(set) var serial: UInt64 = 0

    /// The buffer's first byte.
    public private(set) var base: UnsafeMutableRawPointer
    /// Bytes allocated at `base`.
    public private(set) var capacity: Int
    /// Messages that it may have.
    public internal(set) var messagesMax = Limits.batchMessagesMax
    /// Bytes of payload, each message followed by one newline.
    public private(set) var length = 0
    private var messageList = MessageList()
    /// Texts beside the messages.
    var texts = MessageTexts()
    /// The messages' keys.
    var keys = MessageKeys()
    /// Where the rows lie, when they are elements of arrays.
    public var elementPlaces = ElementPlaces()
    /// The partitions the messages came from, in order.
    public var runs: [BatchRun] = []
    /// Whether a message holds one document or lines.
    public var framing = Framing.document
    /// Whether the first message begins with a byte order mark that is no part of its first document: it begins a file.
    public var beginsWithMark = false

    /// Rows parsed, good and bad.
    public private(set) var rowCount = 0
    /// The columns: first those that the parser fills, then those that nodes behind it add.
    public var columns: [Column] { block.columns }
    /// How many of the columns the parser fills.
    public var parsedColumnCount: Int { block.layout.parsedCount }
    /// Per row: 0 when the record is good, else the parser's code.
    public private(set) var status: UnsafeMutablePointer<UInt8>
    /// Per row: index of its message.
    public private(set) var rowMessages: UnsafeMutablePointer<UInt32>
    /// Per row: what its partition's clock showed before it, `Int64.min` where it showed nothing yet; set by a parser that
    /// keeps clocks, else empty.
    public var clockTimes: [Int64] = []
    /// The moment by which all of it was written, in microseconds since 1970, where messages have no times: that of a file's
    /// last change. nil when nobody knows.
    public var writtenBy: Int64?
    /// Records the parser refused.
    public var deadLetters: [DeadLetter] = []

    private var block: ColumnBlock
    private var applied: UnsafeMutablePointer<UInt8>
    private let fates = Mutex(Fates())
    /// Stages the batch waits for or is in.
    let references = Atomic<Int>(0)
    /// What the accountant was last told of this batch.
    var accountedBytes = 0

    enum AppliedFate { case none, some, all }

    private struct Fates {
        var applied = AppliedFate.none
        /// Good rows that are not stored, with the index of their dead letter, and whether they count as dead.
        var refused: [Int: (letter: Int, isDead: Bool)] = [:]
    }

    /// Creates an empty batch with room for `payloadBytes` and the given columns.
    public init(payloadBytes: Int, layout: BatchLayout) {
        capacity = Self.allocation(forPayload: payloadBytes)
        unsafe base = .allocate(byteCount: capacity, alignment: 64)
        unsafe status = .allocate(capacity: 1)
        unsafe rowMessages = .allocate(capacity: 1)
        unsafe applied = .allocate(capacity: 1)
        block = unsafe ColumnBlock(layout, base: base)
    }

    deinit {
        unsafe base.deallocate()
        unsafe status.deallocate()
        unsafe rowMessages.deallocate()
        unsafe applied.deallocate()
        messageList.deallocate()
        texts.deallocate()
        keys.deallocate()
        block.deallocate()
    }

    /// Room for the payload, the parser's padding, and as much again for unescaped text.
    static func allocation(forPayload bytes: Int) -> Int { 2 * bytes + 2 * Limits.parserPadding }
}

// MARK: - Filling, by the source

extension Batch {
    /// The messages in order; valid until the batch is changed.
    public var messages: BatchMessages { messageList.view }

    /// Whether no more messages fit.
    public var isOutOfMessages: Bool { messages.count >= messagesMax }

    /// Whether it holds at least half of the messages or bytes that it may.
    var isHalfFull: Bool { 2 * messages.count >= messagesMax || length >= room }

    /// The time of a row's message, in microseconds since 1970; nil when it has none, or none that can be had in microseconds.
    public func messageTime(of row: Int) -> Int64? {
        guard let time = unsafe messages[Int(rowMessages[row])].timestamp else { return nil }
        let (micros, overflows) = time.multipliedReportingOverflow(by: 1_000)
        return overflows ? nil : micros
    }

    /// The moment by which a row was written, in microseconds since 1970: the time of its message, or that of its file.
    public func writtenBy(_ row: Int) -> Int64? { messageTime(of: row) ?? writtenBy }

    /// Bytes of payload that still fit without growing.
    public var room: Int { max(0, capacity / 2 - Limits.parserPadding - length) }

    /// Copies one message in, growing the buffer if a single message is larger than it.
    public func append(_ payload: UnsafeRawBufferPointer, offset: Int64, timestamp: Int64?) {
        if payload.count + 1 > room { grow(toPayload: length + payload.count + 1) }
        if let source = payload.baseAddress {
            unsafe (base + length).copyMemory(from: source, byteCount: payload.count)
        }
        messageList.append(
            BatchMessage(
                start: UInt32(length), length: UInt32(payload.count), offset: offset, timestamp: timestamp))
        length += payload.count
        unsafe base.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: length, as: UInt8.self)
        length += 1
    }

    /// Lets `read` write up to `limit` bytes behind the payload; the bytes it says it wrote become payload.
    public func fill(limit: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows -> Int {
        if limit + 1 > room { grow(toPayload: length + limit + 1) }
        let count = try unsafe read(UnsafeMutableRawBufferPointer(start: base + length, count: limit))
        length += count
        return count
    }

    /// Turns the payload `[start, end)` written by `fill` into one message; `end` must hold a newline or be the end.
    public func addMessage(start: Int, end: Int, offset: Int64) {
        messageList.append(
            BatchMessage(start: UInt32(start), length: UInt32(end - start), offset: offset, timestamp: nil))
    }

    /// Cuts the payload to `length` bytes and ends it with a newline.
    public func truncate(to length: Int) {
        precondition(length <= self.length, "a batch can only be cut shorter")
        self.length = length
        if length > 0, unsafe base.load(fromByteOffset: length - 1, as: UInt8.self) != UInt8(ascii: "\n") {
            unsafe base.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: length, as: UInt8.self)
            self.length += 1
        }
    }

    private func grow(toPayload bytes: Int) {
        move(toCapacity: Self.allocation(forPayload: max(bytes, capacity)))
    }

    /// Moves the payload into a buffer of another size.
    func move(toCapacity newCapacity: Int) {
        let moved = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 64)
        unsafe moved.copyMemory(from: base, byteCount: length)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = newCapacity
    }

    /// Empties the batch for reuse.
    func reset() {
        length = 0
        rowCount = 0
        beginsWithMark = false
        messageList.removeAll()
        texts.removeAll()
        keys.removeAll()
        elementPlaces.removeAll()
        clockTimes.removeAll(keepingCapacity: true)
        writtenBy = nil
        runs.removeAll(keepingCapacity: true)
        deadLetters.removeAll(keepingCapacity: true)
        fates.withLock { $0 = Fates() }
        block.reset(keeping: capacity)
    }

    /// Gives memory back when one huge message had made the empty batch grow.
    func shrink(payloadBytes: Int) {
        if capacity > 2 * Self.allocation(forPayload: payloadBytes) { resize(payloadBytes: payloadBytes) }
    }

    /// Gives the empty batch room for so many bytes of payload, no more; one that becomes smaller gives back its columns,
    /// which are made anew for the rows that the smaller one holds.
    func resize(payloadBytes: Int) {
        precondition(length == 0 && rowCount == 0, "only an empty batch changes its size")
        let wanted = Self.allocation(forPayload: payloadBytes)
        guard capacity != wanted else { return }
        if capacity > wanted { allocateRows(0) }
        unsafe base.deallocate()
        unsafe base = .allocate(byteCount: wanted, alignment: 64)
        capacity = wanted
    }
}

// MARK: - Rows, by the parser

extension Batch {
    /// Makes room for `count` rows in every column; call once per batch, before writing rows.
    public func beginRows(_ count: Int) {
        rowCount = count
        unsafe block.setBase(base)
        guard count > block.capacity else { return }
        allocateRows(count + count / 4)
    }

    /// Makes room for more rows and keeps those that are written; for a parser that finds out as it goes.
    public func growRows(to count: Int) {
        precondition(count >= rowCount, "rows are not given up by growing")
        let written = rowCount
        rowCount = count
        guard count > block.capacity else { return }
        block.grow(rows: count, keeping: written)
        let (oldStatus, oldMessages) = unsafe (status, rowMessages)
        unsafe status = .allocate(capacity: count)
        unsafe rowMessages = .allocate(capacity: count)
        unsafe status.update(from: oldStatus, count: written)
        unsafe rowMessages.update(from: oldMessages, count: written)
        unsafe oldStatus.deallocate()
        unsafe oldMessages.deallocate()
        unsafe applied.deallocate()
        unsafe applied = .allocate(capacity: count)
    }

    /// Ends with fewer rows than there is room for.
    public func endRows(_ count: Int) {
        precondition(count <= rowCount, "a batch ends with the rows that it has room for")
        rowCount = count
    }

    /// Makes the columns anew for so many rows; none for 0.
    private func allocateRows(_ newCapacity: Int) {
        block.allocate(rows: newCapacity)
        unsafe status.deallocate()
        unsafe status = .allocate(capacity: max(1, newCapacity))
        unsafe rowMessages.deallocate()
        unsafe rowMessages = .allocate(capacity: max(1, newCapacity))
        unsafe applied.deallocate()
        unsafe applied = .allocate(capacity: max(1, newCapacity))
    }

    /// Fills a column that a node adds with the selected rows of another one; the others have no value. Texts are copied.
    /// Called by the node whose column it is, before it hands the batch on.
    /// - Returns: the first of the selected rows whose text finds no room any more, nil when all have found some; from it on
    ///   none has a value.
    public func fillColumn(_ index: Int, from source: Column, _ rows: RowSelection) -> Int? {
        block.fill(index, from: source, rows, rowCount: rowCount)
    }

    /// Has a node write a column that it adds: values and validity of the selected rows; the others have no value. Called by
    /// the node whose column it is, before it hands the batch on.
    /// - Parameter write: gets the column, and for texts a function that gives memory of so many bytes, once; answers where
    ///   the texts begin, and what keeps them there until the batch is reused, nil where that is the memory it was given.
    public func writeColumn(
        _ index: Int, _ rows: RowSelection,
        _ write: (Column, _ room: (Int) -> UnsafeMutableRawPointer) -> (base: UnsafeRawPointer?, keeper: AnyObject?)
    ) {
        unsafe block.write(index, rows, rowCount: rowCount, write)
    }

    /// Computes the hashes of a column. Called by the node that fills the column, before it hands the batch on: later
    /// stages, which may be several at once, only read them.
    public func fillHashes(ofColumn index: Int, _ fill: (Column, UnsafeMutablePointer<UInt64>) -> Void) {
        unsafe block.fillHashes(of: index, fill)
    }

    /// The hashes of a column, one for each row.
    public func hashes(ofColumn index: Int) -> UnsafePointer<UInt64> { unsafe block.hashes(of: index) }

    /// Bytes the batch holds.
    public var memoryBytes: Int {
        let messages =
            messageList.memoryBytes + texts.memoryBytes + keys.memoryBytes + elementPlaces.memoryBytes
            + clockTimes.capacity * MemoryLayout<Int64>.stride
        return capacity + block.memoryBytes + block.capacity * 6 + messages
    }
}

// MARK: - Fates

extension Batch {
    /// Says that the selected rows reached a summary or a sink. A record is applied once however many nodes it
    /// reaches; good rows that no node applied count as filtered.
    public func markApplied(_ selection: RowSelection) {
        fates.withLock { fates in
            if fates.applied == .all { return }
            if selection.count == rowCount {
                fates.applied = .all
                return
            }
            if fates.applied == .none { unsafe applied.update(repeating: 0, count: rowCount) }
            fates.applied = .some
            for index in 0..<selection.count { unsafe applied[selection[index]] = 1 }
        }
    }

    /// Says that a good row is not stored: it counts as dead, or as refused, whatever other nodes make of it.
    /// - Parameters:
    ///   - letter: its dead letter. A record gets one; of several reasons the first in alphabetical order is kept, whichever
    ///     node comes first.
    ///   - node: who refuses it; nil when nothing behind the parser gets it.
    ///   - isDead: false when it could be stored and is too late or too early. To one node is enough to be dead.
    public func markRefused(_ row: Int, _ letter: DeadLetter, by node: String? = nil, isDead: Bool = true) {
        var letter = letter
        letter.refusers = node.map { [$0] } ?? []
        fates.withLock { fates in
            guard let (known, wasDead) = fates.refused[row] else {
                letter.isDead = isDead
                fates.refused[row] = (deadLetters.count, isDead)
                deadLetters.append(letter)
                return
            }
            let refusers = Set(deadLetters[known].refusers).union(letter.refusers).sorted()
            fates.refused[row] = (known, wasDead || isDead)
            if letter.fault.reason < deadLetters[known].fault.reason { deadLetters[known] = letter }
            deadLetters[known].isDead = wasDead || isDead
            deadLetters[known].refusers = refusers
        }
    }

    /// The offset of a run's first message; nil when it has none.
    func firstOffset(of run: BatchRun) -> Int64? {
        run.messages.isEmpty ? nil : messages[run.messages.lowerBound].offset
    }

    /// How many records a run holds, before it is parsed or whatever became of that.
    func estimatedRecords(of run: BatchRun) -> Int64 {
        guard framing != .document else { return Int64(run.messages.count + run.tombstones) }
        return run.messages.reduce(Int64(run.tombstones)) { sum, index in
            let message = messages[index]
            let bytes = unsafe UnsafeRawBufferPointer(start: base + Int(message.start), count: Int(message.length))
            let newlines = unsafe bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
            let hasOpenLine = unsafe bytes.last.map { $0 != UInt8(ascii: "\n") } ?? false
            return sum + Int64(newlines + (hasOpenLine ? 1 : 0))
        }
    }

    /// The ledger entries of one run; call after every node is done with the batch.
    func counters(of run: BatchRun) -> LedgerCounters {
        var counters = LedgerCounters()
        var (dead, unwanted) = (0, 0)
        for row in run.rows where unsafe status[row] != 0 { dead += 1 }
        let appliedCount = fates.withLock { fates in
            let refused = fates.refused.isEmpty ? [] : run.rows.filter { fates.refused[$0] != nil }
            for row in refused { if fates.refused[row]?.isDead == false { unwanted += 1 } else { dead += 1 } }
            switch fates.applied {
            case .none: return 0
            case .all: return run.rows.count - dead - unwanted
            case .some:
                let marked = run.rows.reduce(0) { unsafe $0 + Int(applied[$1]) }
                return refused.reduce(marked) { unsafe $0 - Int(applied[$1]) }
            }
        }
        counters.read = Int64(run.rows.count + run.tombstones)
        counters.dead = Int64(dead)
        counters.refused = Int64(unwanted)
        counters.applied = Int64(appliedCount)
        counters.filtered = counters.read - counters.dead - counters.refused - counters.applied
        return counters
    }
}
