internal import CRdKafka

extension Consumer {
    /// Whether the group moves partitions one by one rather than all at once.
    var isCooperative: Bool {
        unsafe rd_kafka_rebalance_protocol(client.pointer).map { unsafe String(cString: $0) } == "COOPERATIVE"
    }

    // MARK: The group's assignments

    mutating func answerRebalances(_ delegate: some RebalanceDelegate) throws {
        while let rebalance = client.callbacks.nextRebalance {
            switch rebalance.kind {
            case .assign: try accept(rebalance.partitions, delegate)
            case .revoke, .lost: try giveUp(rebalance, delegate)
            }
            client.callbacks.rebalanceAnswered()
        }
    }

    private mutating func accept(_ partitions: [TopicPartition], _ delegate: some RebalanceDelegate) throws {
        let starts = partitions.isEmpty ? [] : try resolved(delegate.assigned(partitions))
        for start in starts where !partitions.contains(start.partition) {
            preconditionFailure("the delegate began \(start.partition), which was not in the assignment")
        }
        for partition in partitions { try table.own(partition, client: client) }
        if isCooperative { try add(starts) } else { try replace(by: starts) }
        for start in starts { table.begin(start) }
        isAssigned = true
    }

    private mutating func giveUp(_ rebalance: ClientCallbacks.Rebalance, _ delegate: some RebalanceDelegate) throws {
        let isAll = !isCooperative
        let mine = isAll ? table.owned : rebalance.partitions.filter { table.owned.contains($0) }
        let isLost = unsafe rebalance.kind == .lost || rd_kafka_assignment_lost(client.pointer) != 0
        if !mine.isEmpty {
            if isLost { delegate.lost(mine) } else { delegate.revoked(mine) }
        }
        let reading = mine.filter { table.slot(of: $0).map { table.slots[$0].isReading } ?? false }
        table.end(mine, givenUp: true)
        if isAll {
            isAssigned = false
            try replace(by: nil)
        } else {
            try remove(reading)
        }
    }

    /// Answers what the group still waits for, so that closing does not wait for us.
    mutating func answerBeforeClosing() throws(KafkaError) {
        guard let rebalance = client.callbacks.nextRebalance else { return }
        switch (isCooperative, rebalance.kind) {
        case (false, _): try replace(by: nil)
        case (true, .assign): try add([])
        case (true, .revoke), (true, .lost): try remove(rebalance.partitions)
        }
    }

    // MARK: By hand

    /// Reads exactly these partitions, without a group. What was read before is given up without asking anyone.
    /// - Throws: `KafkaError` if a `latest` cannot be resolved (retry helps) or a partition cannot be read.
    public mutating func assign(_ starts: [PartitionStart]) throws(KafkaError) {
        let starts = try resolved(starts)
        table.end(table.owned, givenUp: true)
        for start in starts { try table.own(start.partition, client: client) }
        try reread(stopping: [], starting: starts)
    }

    /// Reads the partitions that are ours from these offsets, and no others: whatever is left out stands still, because its
    /// position was set back too and nobody knows where it should go on.
    ///
    /// Done by assigning anew, never by a seek: what was fetched before is thrown away, and no message at or above the
    /// new offset is lost, none below it delivered. Partitions no longer ours are ignored.
    /// - Throws: `KafkaError`; calling it again is safe.
    public mutating func rewind(_ starts: [PartitionStart]) throws(KafkaError) {
        try restart(starts, stopping: table.reading.map(\.partition))
    }

    /// Reads partitions that are ours from these offsets; the others go on where they are.
    /// - Throws: `KafkaError`; calling it again is safe.
    public mutating func resume(_ starts: [PartitionStart]) throws(KafkaError) {
        try restart(starts, stopping: starts.map(\.partition))
    }

    private mutating func restart(
        _ starts: [PartitionStart], stopping: [TopicPartition]
    ) throws(KafkaError) {
        let owned = Set(table.owned)
        let mine = try resolved(starts.filter { owned.contains($0.partition) })
        guard !mine.isEmpty || !stopping.isEmpty else { return }
        try reread(stopping: stopping, starting: mine)
    }

    /// Stops reading partitions that are ours; they stay ours until the group takes them. `resume` reads on.
    public mutating func halt(_ partitions: [TopicPartition]) throws(KafkaError) {
        let reading = Set(table.reading.map(\.partition))
        let halted = partitions.filter { reading.contains($0) }
        guard !halted.isEmpty else { return }
        try reread(stopping: halted, starting: [])
    }

    private mutating func reread(
        stopping: [TopicPartition], starting: [PartitionStart]
    ) throws(KafkaError) {
        if isCooperative {
            let reading = Set(table.reading.map(\.partition))
            try remove(stopping.filter { reading.contains($0) })
            table.end(stopping, givenUp: false)
            try waitForAssignment()
            try add(starting)
        } else {
            table.end(stopping, givenUp: false)
            let kept = table.reading
            try replace(by: nil)
            try waitForAssignment()
            discardQueued()
            // A rebalance came in between: it decides, and the next poll answers it.
            if client.callbacks.nextRebalance == nil { try replace(by: kept + starting) }
        }
        for start in starting { table.begin(start) }
    }

    // MARK: librdkafka's calls

    /// Logical ends become numbers, so that reading again from "latest" cannot skip what came meanwhile.
    private func resolved(_ starts: [PartitionStart]) throws(KafkaError) -> [PartitionStart] {
        var result = starts
        for index in result.indices where result[index].offset == .latest {
            let partition = result[index].partition
            result[index] = PartitionStart(partition, .at(try client.watermarks(of: partition).high))
        }
        return result
    }

    private func replace(by starts: [PartitionStart]?) throws(KafkaError) {
        let response: rd_kafka_resp_err_t
        if let starts {
            let list = PartitionList(starts)
            response = unsafe rd_kafka_assign(client.pointer, list.pointer)
        } else {
            response = unsafe rd_kafka_assign(client.pointer, nil)
        }
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.fatalError ?? client.callbacks.error(response, doing: "kafka: assigning partitions")
        }
    }

    private func add(_ starts: [PartitionStart]) throws(KafkaError) {
        let list = PartitionList(starts)
        let failure = unsafe rd_kafka_incremental_assign(client.pointer, list.pointer)
        if let error = unsafe KafkaError(taking: failure, doing: "kafka: assigning partitions") { throw error }
    }

    private func remove(_ partitions: [TopicPartition]) throws(KafkaError) {
        let list = PartitionList(partitions)
        let failure = unsafe rd_kafka_incremental_unassign(client.pointer, list.pointer)
        if let error = unsafe KafkaError(taking: failure, doing: "kafka: giving up partitions") { throw error }
    }

    /// Asks librdkafka's main thread something, so that what was asked of it before has been carried out.
    private func waitForAssignment() throws(KafkaError) {
        var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
        let response = unsafe rd_kafka_assignment(client.pointer, &list)
        if let list = unsafe list { unsafe rd_kafka_topic_partition_list_destroy(list) }
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.callbacks.error(response, doing: "kafka: assigning partitions")
        }
    }

    /// Throws away what is queued. Called only while no partition is assigned, so none of it is wanted.
    private func discardQueued() {
        let batch = MessageBatch(capacity: KafkaLimits.pollMessagesMax)
        while true {
            let received = unsafe batch.receive(batch.capacity, from: client.queue!, timeout: .zero)
            for index in 0..<received { batch.destroy(index) }
            if received == 0 { return }
        }
    }

    // MARK: Courtesy

    /// Tells the group where we are, for lag tools only. Does not wait; failures come as `commitFailed`.
    public func commitForLagTools(_ offsets: [TopicPartition: Int64]) {
        guard !offsets.isEmpty else { return }
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.append(partition, offset: offset) }
        let response = unsafe rd_kafka_commit(client.pointer, list.pointer, 1)
        guard response != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        client.callbacks.record(
            .commitFailed(client.callbacks.error(response, doing: "kafka: committing offsets for lag tools")))
    }
}
