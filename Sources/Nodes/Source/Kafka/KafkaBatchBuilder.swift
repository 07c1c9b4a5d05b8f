import Dataflow
import Declaration
import Kafka

/// The batch that polled messages are copied into, and the runs they form.
///
/// Used on the source's thread only.
final class KafkaBatchBuilder {
    private let intake: Intake
    private let framing: Framing
    /// What is kept of each message beside its payload.
    private let texts: [MessageAttribute]
    private var batch: Batch?
    private var run = OpenRun()
    private var firstAt: ContinuousClock.Instant?
    /// Which records are stored as tails.
    var tails = TailBook()
    /// Mean payload, from which the next poll's size is taken.
    private var meanBytes = 512

    private struct OpenRun {
        /// -1: no run is open.
        var partition = -1
        var from: Int64 = 0
        var firstMessage = 0
        var tombstones = 0
        var nextOffset: Int64 = 0
    }

    init(intake: Intake, framing: Framing, texts: [MessageAttribute] = []) {
        self.intake = intake
        self.framing = framing
        self.texts = texts
    }

    /// Whether there is a batch to copy into, after asking for one if need be.
    func prepare(timeout: Duration) -> Bool {
        if batch == nil {
            batch = intake.makeBatch(timeout: timeout)
            batch?.framing = framing
        }
        return batch != nil
    }

    /// Makes a batch although none is free, for the message that keeps us in the group.
    func prepareBeyondBounds() {
        guard batch == nil else { return }
        batch = intake.makeBatchBeyondBounds()
        batch?.framing = framing
    }

    /// How many messages still fit, by their mean size.
    var room: Int {
        guard let batch else { return 0 }
        return min(batch.messagesMax - batch.messages.count, max(1, batch.room / meanBytes))
    }

    /// Whether the batch should be handed over now.
    var isDue: Bool {
        guard let batch, let firstAt else { return false }
        return batch.isOutOfMessages || batch.room < 2 * meanBytes
            || .now - firstAt >= Limits.batchLinger
    }

    /// Whether nothing waits to be handed over.
    var isEmpty: Bool { firstAt == nil }

    /// Copies one message of the partition with this index.
    func append(_ message: borrowing MessageView, partition: Int) {
        guard let batch else { preconditionFailure("a message was polled without a batch to put it in") }
        // A consumer that was set to another offset begins a new run, which the engine compares with the last one.
        if run.partition != partition || run.nextOffset != message.position {
            openRun(of: partition, from: message.position, in: batch)
        }
        run.nextOffset = message.offset + 1
        if let payload = unsafe message.payload {
            unsafe batch.append(payload, offset: message.offset, timestamp: message.timestamp)
            if let key = unsafe message.key { unsafe batch.appendMessageKey(key) }
            if !texts.isEmpty { appendTexts(of: message, to: batch) }
        } else {
            run.tombstones += 1
        }
    }

    private func appendTexts(of message: borrowing MessageView, to batch: Batch) {
        for text in texts { Self.append(text, of: message, to: batch) }
    }

    /// Keeps a text beside a message's payload.
    static func append(_ text: MessageAttribute, of message: borrowing MessageView, to batch: Batch) {
        switch text {
        case .key: unsafe batch.appendMessageText(message.key)
        case .header(let name): unsafe batch.appendMessageText(message.header(name))
        case .topic: unsafe batch.appendMessageText(message.topic)
        case .partition:
            var number = String(message.partition)
            number.withUTF8 { unsafe batch.appendMessageText(UnsafeRawBufferPointer($0)) }
        case .timestamp, .offset: preconditionFailure("\(text) is no text beside a message")
        }
    }

    /// Moves a partition over offsets where nothing can be read.
    func skip(_ partition: Int, from: Int64, to: Int64) {
        guard let batch else { preconditionFailure("a partition moved without a batch to say it in") }
        if run.partition != partition || run.nextOffset != from { openRun(of: partition, from: from, in: batch) }
        run.nextOffset = to
    }

    private func openRun(of partition: Int, from position: Int64, in batch: Batch) {
        closeRun()
        run = OpenRun(
            partition: partition, from: position, firstMessage: batch.messages.count, nextOffset: position)
        if firstAt == nil { firstAt = .now }
    }

    private func closeRun() {
        guard run.partition >= 0, let batch else { return }
        let messages = run.firstMessage..<batch.messages.count
        var last: Tail?
        if let message = messages.last.map({ batch.messages[$0] }) {
            let payload = unsafe UnsafeRawBufferPointer(
                start: batch.base + Int(message.start), count: Int(message.length))
            last = unsafe Tail(
                offset: message.offset, timestamp: message.timestamp, checksum: Checksum.of(payload))
        }
        let tail = tails.read(run.partition, last: last)
        batch.runs.append(
            BatchRun(
                partition: run.partition, from: run.from, messages: messages, tombstones: run.tombstones,
                nextOffset: run.nextOffset, tail: tail))
        run = OpenRun()
    }

    /// Hands the batch over, if it has anything.
    func submit() {
        guard let batch, firstAt != nil else { return }
        closeRun()
        if !batch.messages.isEmpty { meanBytes = max(16, batch.length / batch.messages.count) }
        intake.submit(batch)
        forget()
    }

    /// Gives the batch back: what is in it will be read again.
    func drop() {
        if let batch { intake.recycle(batch) }
        forget()
    }

    private func forget() {
        batch = nil
        firstAt = nil
        run = OpenRun()
    }
}
