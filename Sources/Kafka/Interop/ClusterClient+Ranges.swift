internal import CRdKafka
internal import Dispatch
internal import Synchronization

/// Who leads the partitions of a topic.
public struct TopicLayout: Sendable {
    /// The leading broker's id by partition number, nil for a partition without a leader.
    public let leaders: [Int32: Int32?]
}

extension ClusterClient {
    /// The partitions of a topic, and who leads them.
    /// - Throws: `KafkaError`: `unknownTopic`, `authorization`, or what keeps the brokers from answering.
    public func layout(
        of topic: String, timeout: Duration = KafkaLimits.requestTimeout
    ) throws(KafkaError) -> TopicLayout {
        let doing = "kafka: topic '\(topic)' at \(brokers)"
        let handle = try unsafe client.topic(topic)
        var answer: UnsafePointer<rd_kafka_metadata>?
        let response = unsafe rd_kafka_metadata(client.pointer, 0, handle, &answer, timeout.milliseconds)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = unsafe answer else {
            throw refined(response, doing: doing)
        }
        defer { unsafe rd_kafka_metadata_destroy(answer) }
        var leaders: [Int32: Int32?] = [:]
        for index in unsafe 0..<Int(answer.pointee.topic_cnt) {
            let found = unsafe answer.pointee.topics[index]
            guard unsafe String(cString: found.topic) == topic else { continue }
            guard unsafe found.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw unsafe KafkaError(found.err, doing: doing)
            }
            for number in unsafe 0..<Int(found.partition_cnt) {
                let partition = unsafe found.partitions[number]
                unsafe leaders.updateValue(partition.leader >= 0 ? partition.leader : nil, forKey: partition.id)
            }
        }
        guard !leaders.isEmpty else { throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, doing: doing) }
        return TopicLayout(leaders: leaders)
    }

    /// The ranges of offsets that partitions hold now, up to where transactions have been decided; one request for each
    /// end and each broker. A partition that cannot be asked has an error of its own: what ails one broker or one partition
    /// keeps no other waiting for longer than `timeout`.
    public func ranges(
        of partitions: some Sequence<TopicPartition>, timeout: Duration = KafkaLimits.requestTimeout
    ) -> [TopicPartition: Result<Watermarks, KafkaError>] {
        var result: [TopicPartition: Result<Watermarks, KafkaError>] = [:]
        var ofLeader: [Int32: [TopicPartition]] = [:]
        for (topic, partitions) in Dictionary(grouping: Set(partitions), by: \.topic) {
            do {
                let layout = try layout(of: topic, timeout: timeout)
                for partition in partitions {
                    switch layout.leaders[partition.partition] {
                    case .some(.some(let leader)): ofLeader[leader, default: []].append(partition)
                    case .some(.none): result[partition] = .failure(.leaderless(partition))
                    case .none:
                        result[partition] = .failure(
                            KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, doing: "kafka: \(partition)"))
                    }
                }
            } catch {
                for partition in partitions { result[partition] = .failure(error) }
            }
        }
        let groups = Array(ofLeader.values)
        let answers = Mutex<[TopicPartition: Result<Watermarks, KafkaError>]>([:])
        let client = client
        DispatchQueue.concurrentPerform(iterations: groups.count) { index in
            let found = client.ranges(led: groups[index], timeout: timeout)
            answers.withLock { $0.merge(found) { _, last in last } }
        }
        return result.merging(answers.withLock { $0 }) { _, last in last }
    }
}

extension KafkaError {
    /// Nobody leads the partition, so it can be neither read nor asked.
    static func leaderless(_ partition: TopicPartition) -> KafkaError {
        KafkaError(
            code: .clusterMoving, name: "LEADER_NOT_AVAILABLE", message: "kafka: \(partition) has no leader",
            hint: "one of the brokers that hold it must come back")
    }
}

extension ClientHandle {
    /// The ranges of partitions that one broker leads.
    fileprivate func ranges(
        led partitions: [TopicPartition], timeout: Duration
    ) -> [TopicPartition: Result<Watermarks, KafkaError>] {
        do {
            let lows = try offsets(Int64(RD_KAFKA_OFFSET_BEGINNING), of: partitions, timeout: timeout)
            let highs = try offsets(Int64(RD_KAFKA_OFFSET_END), of: partitions, timeout: timeout)
            var result: [TopicPartition: Result<Watermarks, KafkaError>] = [:]
            for partition in partitions {
                switch (lows[partition], highs[partition]) {
                case (.success(let low), .success(let high)):
                    result[partition] = .success(Watermarks(low: low, high: max(low, high)))
                case (.failure(let error), _), (_, .failure(let error)): result[partition] = .failure(error)
                case (nil, _), (_, nil): result[partition] = .failure(.leaderless(partition))
                }
            }
            return result
        } catch {
            return Dictionary(uniqueKeysWithValues: partitions.map { ($0, .failure(error)) })
        }
    }

    /// Where partitions begin or end, by librdkafka's number for it.
    private func offsets(
        _ logical: Int64, of partitions: [TopicPartition], timeout: Duration
    ) throws(KafkaError) -> [TopicPartition: Result<Int64, KafkaError>] {
        let list = PartitionList(capacity: partitions.count)
        for partition in partitions { list.append(partition, offset: logical) }
        let doing = "kafka: first and last offsets of \(partitions.count) partitions, \(partitions[0]) among them"
        let response = unsafe rd_kafka_offsets_for_times(pointer, list.pointer, timeout.milliseconds)
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else { throw callbacks.error(response, doing: doing) }
        var result: [TopicPartition: Result<Int64, KafkaError>] = [:]
        for entry in list.entries {
            if entry.response != RD_KAFKA_RESP_ERR_NO_ERROR {
                result[entry.partition] = .failure(
                    callbacks.error(entry.response, doing: "kafka: first and last offset of \(entry.partition)"))
            } else if entry.offset >= 0 {
                result[entry.partition] = .success(entry.offset)
            }
        }
        return result
    }
}
