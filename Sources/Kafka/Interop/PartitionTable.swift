internal import CRdKafka

/// The partitions a consumer has ever been given, each in a slot of its own for the consumer's life.
@safe struct PartitionTable {
    /// What is known about one partition.
    struct Slot {
        let partition: TopicPartition
        let topicIndex: Int
        /// The group (or the caller) says it is ours.
        var isOwned = false
        /// Librdkafka reads it for us.
        var isReading = false
        /// Where the current reading began.
        var start = StartOffset.earliest
        /// Offset below which messages are dropped: the next one wanted, or 0 while `start` is logical.
        var next: Int64 = 0
        /// Where the partition ended when everything before was handed out; nil when something came since, or nothing
        /// is known. Not less than `next`: markers of transactions and removed messages may lie in between.
        var end: Int64?
        /// The broker's high watermark then: behind `end` by what open transactions have written.
        var highAtEnd: Int64 = 0
    }

    private(set) var slots: [Slot] = []
    private(set) var topics: [String] = []
    /// One handle per topic, kept until the client ends: so an address always means the same topic.
    private var handles: [OpaquePointer] = unsafe []
    /// Per topic, the slot of each partition number, or -1.
    private var slotOfPartition: [[Int32]] = []

    /// The handle of some topic, nil before the first assignment.
    var anyHandle: OpaquePointer? { unsafe handles.first }

    /// The topic behind a message's handle, or nil if none of our partitions belongs to it.
    func topicIndex(of handle: OpaquePointer?) -> Int? { unsafe handles.firstIndex(where: { unsafe $0 == handle }) }

    /// The slot of partition `number` of topic `topicIndex`, or nil if it was never ours.
    @inline(__always)
    func slot(topicIndex: Int, partition number: Int32) -> Int? {
        let ofTopic = slotOfPartition[topicIndex]
        guard number >= 0, number < ofTopic.count, ofTopic[Int(number)] >= 0 else { return nil }
        return Int(ofTopic[Int(number)])
    }

    /// The slot of `partition`, or nil if it was never ours.
    func slot(of partition: TopicPartition) -> Int? {
        guard let topicIndex = topics.firstIndex(of: partition.topic) else { return nil }
        return slot(topicIndex: topicIndex, partition: partition.partition)
    }

    /// Moves on past message `offset` of `slot` if it is the next one or later, in a partition that is being read.
    /// - Returns: where the partition stood before; nil if the message is not wanted.
    @inline(__always)
    mutating func advance(_ slot: Int, past offset: Int64) -> Int64? {
        let position = slots[slot].next
        guard slots[slot].isReading, offset >= position else { return nil }
        slots[slot].next = offset + 1
        slots[slot].end = nil
        return position
    }

    /// Notes that everything of `slot` before `offset` that can be read was handed out.
    mutating func reachEnd(_ slot: Int, at offset: Int64, high: Int64) {
        guard slots[slot].isReading, offset >= slots[slot].next else { return }
        slots[slot].end = offset
        slots[slot].highAtEnd = max(high, offset)
        if offset > slots[slot].next { hasGaps = true }
    }

    /// Whether some partition may have ended behind its position.
    private(set) var hasGaps = false

    /// Moves partitions that have ended on to their end, and says which were moved from where: nothing in between can be
    /// read.
    mutating func takeGaps() -> [(slot: Int, from: Int64, to: Int64)] {
        guard hasGaps else { return [] }
        hasGaps = false
        var gaps: [(slot: Int, from: Int64, to: Int64)] = []
        for index in slots.indices where slots[index].isReading {
            guard let end = slots[index].end, end > slots[index].next else { continue }
            // Where reading began was not a number: there is no position to move on from.
            if slots[index].next > 0 || slots[index].start == .at(0) { gaps.append((index, slots[index].next, end)) }
            slots[index].next = end
        }
        return gaps
    }

    /// Makes `partition` ours, with a slot if it has none.
    mutating func own(_ partition: TopicPartition, client: ClientHandle) throws(KafkaError) {
        let topicIndex: Int
        if let known = topics.firstIndex(of: partition.topic) {
            topicIndex = known
        } else {
            let handle = try unsafe client.topic(partition.topic)
            unsafe handles.append(handle)
            topics.append(partition.topic)
            slotOfPartition.append([])
            topicIndex = topics.count - 1
        }
        let number = Int(partition.partition)
        while slotOfPartition[topicIndex].count <= number { slotOfPartition[topicIndex].append(-1) }
        if slotOfPartition[topicIndex][number] < 0 {
            slotOfPartition[topicIndex][number] = Int32(slots.count)
            slots.append(Slot(partition: partition, topicIndex: topicIndex))
        }
        slots[Int(slotOfPartition[topicIndex][number])].isOwned = true
    }

    /// Notes that reading begins at `start`.
    mutating func begin(_ start: PartitionStart) {
        guard let slot = slot(of: start.partition) else { return }
        slots[slot].isReading = true
        slots[slot].start = start.offset
        slots[slot].end = nil
        slots[slot].next = if case .at(let offset) = start.offset { offset } else { 0 }
    }

    /// Notes that `partitions` are no longer read, and, if given up, no longer ours.
    mutating func end(_ partitions: some Sequence<TopicPartition>, givenUp: Bool) {
        for partition in partitions {
            guard let slot = slot(of: partition) else { continue }
            slots[slot].isReading = false
            if givenUp { slots[slot].isOwned = false }
        }
    }

    /// Partitions being read, each with where reading would go on.
    var reading: [PartitionStart] {
        slots.filter(\.isReading).map { slot in
            PartitionStart(slot.partition, slot.next > 0 ? .at(slot.next) : slot.start)
        }
    }

    /// Partitions that are ours, sorted.
    var owned: [TopicPartition] { slots.filter(\.isOwned).map(\.partition).sorted() }
}
