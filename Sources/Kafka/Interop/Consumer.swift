internal import CRdKafka

/// Reads messages of a consumer group, or of partitions assigned by hand, at offsets the caller decides.
///
/// Used by one thread from `init` to `close`; only `waker` may be called by others. It commits nothing, stores no
/// offsets and never resets one. Blocks its thread: never use it on Swift's cooperative pool.
public struct Consumer: ~Copyable {
    let client: ClientHandle
    var table = PartitionTable()
    private let batch: MessageBatch
    private let group: String?
    private let topics: [String]
    private let reportsPartitionEnd: Bool
    /// Whether the group has answered since we joined it, if only by giving us nothing.
    public internal(set) var isAssigned = false
    private var deliveredMessages = 0
    private var deliveredBytes = 0
    private var fetchWaker: FetchWaker

    /// Makes the client and joins the group, if there are a group and topics. Returns before anything is connected.
    /// - Throws: `KafkaError` with code `configuration`.
    public init(_ configuration: ConsumerConfiguration) throws(KafkaError) {
        try configuration.connection.checkFiles()
        let client = try ClientHandle(
            consumer: true, properties: configuration.properties(library: .current),
            brokers: configuration.connection.bootstrapServers, log: configuration.connection.log)
        let topics = configuration.group == nil ? [] : configuration.topics
        try Self.subscribe(client, to: topics)
        self.topics = topics
        reportsPartitionEnd = configuration.reportsPartitionEnd
        fetchWaker = FetchWaker(queueBytes: configuration.queuedBytesMax)
        self.client = client
        batch = MessageBatch(capacity: KafkaLimits.pollMessagesMax)
        group = configuration.group
    }

    private static func subscribe(_ client: ClientHandle, to topics: [String]) throws(KafkaError) {
        guard !topics.isEmpty else { return }
        let list = PartitionList(topics.map { TopicPartition($0, -1) })
        let response = unsafe rd_kafka_subscribe(client.pointer, list.pointer)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.callbacks.error(
                response, doing: "kafka: subscribing to \(topics.joined(separator: ", "))")
        }
    }

    /// Leaves the group and joins it anew: what is ours is revoked by the polls that follow, and assigned again.
    public mutating func rejoin() throws(KafkaError) {
        let response = unsafe rd_kafka_unsubscribe(client.pointer)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.callbacks.error(response, doing: "kafka: leaving the group \(group ?? "")")
        }
        isAssigned = false
        try Self.subscribe(client, to: topics)
    }

    // MARK: Reading

    /// Takes what is there, or waits for the first message; rebalances are answered through `delegate` at the end.
    ///
    /// Returns as soon as anything came: messages, an event, a rebalance or a wake-up. Each message is handed to
    /// `body` and given back to librdkafka at once; nothing is allocated per message.
    /// - Parameter maxMessages: at most `KafkaLimits.pollMessagesMax` count.
    /// - Parameter body: a message it throws for counts as handed out; those after it in the batch are dropped.
    /// - Throws: whatever `body` or `delegate.assigned` throws, or `KafkaError` if an assignment cannot be carried
    ///   out; messages handed out before stay handed out. The next call tries the assignment again.
    public mutating func poll(
        maxMessages: Int, timeout: Duration, delegate: some RebalanceDelegate,
        _ body: (borrowing MessageView) throws -> Void
    ) throws -> PollResult {
        var result = PollResult()
        // Left over from a call that threw: answer it before waiting for anything.
        let wait = client.callbacks.nextRebalance == nil ? timeout : .zero
        var received = unsafe batch.receive(maxMessages, from: client.queue!, timeout: .zero)
        if received == 0, wait > .zero, !client.callbacks.hasNews {
            received = receiveFirst(of: maxMessages, within: wait)
        }
        try deliver(received, into: &result, body)
        if received > 0 {
            unsafe fetchWaker.look(
                at: client, topic: table.anyHandle, taken: received,
                meanBytes: deliveredBytes / max(1, deliveredMessages))
        }
        do {
            if client.callbacks.hasNews { try answerRebalances(delegate) }
        } catch {
            result.events.forEach(client.callbacks.record)  // For the next poll to report.
            throw error
        }
        result.events += client.callbacks.takeEvents()
        return result
    }

    /// Waits for one message, then takes what came with it: librdkafka's call waits for all or for the whole timeout. A
    /// wake-up ends it, and so do an event and a rebalance (see `ClientHandle.endWait`).
    private func receiveFirst(of maxMessages: Int, within timeout: Duration) -> Int {
        let end = ContinuousClock.now + timeout
        while !client.callbacks.takeWake(), !client.callbacks.hasNews {
            let left = end - ContinuousClock.now
            guard left > .zero else { return 0 }
            let first = unsafe batch.receive(1, from: client.queue!, timeout: left)
            if first > 0 { return first }
        }
        return 0
    }

    private mutating func deliver(
        _ count: Int, into result: inout PollResult, _ body: (borrowing MessageView) throws -> Void
    ) throws {
        // Partitions already lost belong to someone else: what is in hand must not be worked on.
        let isLost = client.callbacks.hasNews && client.callbacks.nextRebalance?.kind == .lost
        var handle: OpaquePointer?
        var topicIndex: Int?
        var index = 0
        defer { while index < count { batch.destroy(index); index += 1 } }
        while index < count {
            let message = unsafe batch[index]
            if unsafe message.pointee.rkt != handle || topicIndex == nil {
                unsafe handle = unsafe message.pointee.rkt
                topicIndex = unsafe table.topicIndex(of: handle)
            }
            if unsafe message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
                unsafe receive(error: message, into: &result)
            } else if !isLost, let topicIndex,
                let slot = unsafe table.slot(topicIndex: topicIndex, partition: message.pointee.partition),
                let position = unsafe table.advance(slot, past: message.pointee.offset)
            {
                result.messages += 1
                deliveredBytes += unsafe message.pointee.len
                try body(unsafe MessageView(message, slot: slot, topicIndex: topicIndex, position: position))
            }
            batch.destroy(index)
            index += 1
        }
        deliveredMessages += result.messages
    }

    private mutating func receive(
        error message: UnsafeMutablePointer<rd_kafka_message_t>, into result: inout PollResult
    ) {
        if unsafe message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
            if let slot = unsafe reachEnd(message) { result.ends.append(slot) }
            guard reportsPartitionEnd else { return }
        }
        let topic = unsafe message.pointee.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) }
        let partition = topic.map { unsafe TopicPartition($0, message.pointee.partition) }
        let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) }
        let event = ConsumerEvent(
            unsafe message.pointee.err, partition: partition, offset: unsafe message.pointee.offset, text: text,
            client: client)
        // What a partition reports after we stopped reading it concerns nobody.
        if let of = event.partition, let slot = table.slot(of: of), !table.slots[slot].isReading { return }
        result.events.append(event)
    }

    private mutating func reachEnd(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Int? {
        guard let topicIndex = unsafe table.topicIndex(of: message.pointee.rkt),
            let slot = unsafe table.slot(topicIndex: topicIndex, partition: message.pointee.partition)
        else { return nil }
        let offset = unsafe message.pointee.offset
        let high = highWatermark(of: table.slots[slot].partition)?.high ?? offset
        table.reachEnd(slot, at: offset, high: high)
        return slot
    }

    /// Moves positions on to the ends of partitions where nothing more can be read before them, and says from where: what
    /// lies in between are markers, aborted transactions and messages that were removed. To be asked after a poll.
    public mutating func takeGaps() -> [(slot: Int, from: Int64, to: Int64)] { table.takeGaps() }

    // MARK: Its end

    /// Leaves the group and ends the client; `delegate.revoked` (or `lost`) is called first for all that is ours.
    ///
    /// What has to be durable must be so when `revoked` returns; the rest is courtesy to the group.
    /// - Throws: `KafkaError` with code `closeTimedOut` if librdkafka hung; it is then abandoned.
    public consuming func close(
        delegate: some RebalanceDelegate, timeout: Duration = KafkaLimits.closeTimeout
    ) throws(KafkaError) {
        let owned = table.owned
        if !owned.isEmpty {
            if client.callbacks.nextRebalance?.kind == .lost { delegate.lost(owned) } else { delegate.revoked(owned) }
        }
        try answerBeforeClosing()
        guard client.shutDown(leavingGroup: group != nil, within: timeout) else {
            throw KafkaError(
                code: .closeTimedOut, message: "kafka: the consumer did not close within \(timeout)",
                hint: KafkaError.Code.closeTimedOut.hint)
        }
    }

    // MARK: What it knows

    /// The partition of a slot, as given in `MessageView.slot`.
    public func partition(ofSlot slot: Int) -> TopicPartition { table.slots[slot].partition }

    /// The topic of an index, as given in `MessageView.topicIndex`.
    public func topic(ofIndex index: Int) -> String { table.topics[index] }

    /// The slot of `partition`, or nil if it was never ours.
    public func slot(of partition: TopicPartition) -> Int? { table.slot(of: partition) }

    /// Partitions that are ours, sorted.
    public var owned: [TopicPartition] { table.owned }

    /// Partitions being read and the offset each goes on with.
    public var positions: [PartitionStart] { table.reading }

    /// Messages waiting inside librdkafka. Thread-safe in librdkafka, costs a lock.
    public var queuedMessages: Int { unsafe rd_kafka_queue_length(client.queue!) }

    /// Estimated bytes of the waiting messages: their number times the mean delivered so far plus the overhead.
    public var queuedBytes: Int {
        let mean = deliveredMessages == 0 ? 0 : deliveredBytes / deliveredMessages
        return queuedMessages * (mean + KafkaLimits.queuedMessageOverheadBytes)
    }

    /// Messages that can be read and were not, of each partition being read, as of the last fetch; no request is made.
    ///
    /// Partitions whose end is not known yet are left out. Counts offsets, so markers and gaps in front of a message that
    /// can be read are included; those at the end, and what open transactions have written, are not.
    public var lag: [TopicPartition: Int64] {
        let nothingWaits = queuedMessages == 0
        var result: [TopicPartition: Int64] = [:]
        for slot in table.slots where slot.isReading {
            guard let range = highWatermark(of: slot.partition) else { continue }
            if slot.end != nil {
                result[slot.partition] = nothingWaits ? 0 : max(0, range.high - slot.highAtEnd)
            } else {
                result[slot.partition] = max(0, range.high - max(slot.next, range.low))
            }
        }
        return result
    }

    /// The range of a partition as of the last fetch; nil when none has come.
    private func highWatermark(of partition: TopicPartition) -> Watermarks? {
        var (low, high): (Int64, Int64) = (-1, -1)
        let response = unsafe rd_kafka_get_watermark_offsets(
            client.pointer, partition.topic, partition.partition, &low, &high)
        return response == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? Watermarks(low: low, high: high) : nil
    }

    /// Ends a `poll` that waits, from any thread.
    public var waker: ConsumerWaker { ConsumerWaker(client: client) }
}

/// Ends a waiting `Consumer.poll` from another thread.
public struct ConsumerWaker: Sendable {
    let client: ClientHandle

    /// Makes the poll that waits, or the next one, return early.
    public func wake() {
        client.callbacks.wake()
        if let queue = unsafe client.queue { unsafe rd_kafka_queue_yield(queue) }
    }
}
