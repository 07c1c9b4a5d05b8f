internal import CRdKafka

/// Writes messages, many per second, from one thread. Blocks when its queue is full: never use it on Swift's
/// cooperative pool.
public struct Producer: ~Copyable {
    /// A topic of this producer.
    public struct Topic: Sendable, Hashable {
        let index: Int
    }

    /// A header of a message.
    public struct Header: Sendable, Hashable {
        /// Its name; several headers may have the same.
        public var name: String
        /// Its bytes; nil for none.
        public var value: [UInt8]?

        /// Creates a header.
        public init(_ name: String, _ value: [UInt8]?) {
            self.name = name
            self.value = value
        }
    }

    let client: ClientHandle
    private var names: [String] = []
    private var handles = HandleList()

    /// Makes the client; nothing is connected before the first message.
    /// - Throws: `KafkaError` with code `configuration`.
    public init(_ configuration: ProducerConfiguration) throws(KafkaError) {
        try configuration.connection.checkFiles()
        client = try ClientHandle(
            consumer: false, properties: configuration.properties(),
            brokers: configuration.connection.bootstrapServers, log: configuration.connection.log)
    }

    /// The topic to name in `produce`; asking twice gives the same one.
    public mutating func topic(_ name: String) throws(KafkaError) -> Topic {
        if let known = names.firstIndex(of: name) { return Topic(index: known) }
        let handle = try unsafe client.topic(name)
        unsafe handles.elements.append(handle)
        names.append(name)
        return Topic(index: names.count - 1)
    }

    /// Queues one message; the bytes are copied. Waits while the queue is full.
    /// - Parameter value: nil writes a tombstone.
    /// - Parameter partition: nil lets the partitioner choose, by key if there is one.
    /// - Parameter timestamp: milliseconds since 1970; now if nil.
    /// - Throws: `KafkaError`: about this message, or about an earlier one that could not be delivered.
    public func produce(
        _ value: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer? = nil, to topic: Topic,
        partition: Int32? = nil, timestamp: Int64? = nil, headers: [Header] = [],
        timeout: Duration = KafkaLimits.produceTimeout
    ) throws(KafkaError) {
        let handle = unsafe handles.elements[topic.index]
        var response = unsafe enqueue(value, key, handle, partition, timestamp, headers)
        if response == RD_KAFKA_RESP_ERR__QUEUE_FULL {
            let end = ContinuousClock.now + timeout
            while response == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < end {
                unsafe rd_kafka_poll(client.pointer, 10)
                try checkDelivered()
                response = unsafe enqueue(value, key, handle, partition, timestamp, headers)
            }
        }
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.fatalError
                ?? client.callbacks.error(response, doing: "kafka: message for \(names[topic.index])")
        }
    }

    /// Queues one message of bytes; see the other `produce`.
    public func produce(
        _ value: [UInt8]?, key: [UInt8]? = nil, to topic: Topic, partition: Int32? = nil, timestamp: Int64? = nil,
        headers: [Header] = []
    ) throws(KafkaError) {
        // Arrays end as pointers one at a time; an empty one must still not become a tombstone.
        func withKey(_ bytes: UnsafeRawBufferPointer?) throws(KafkaError) {
            guard let key else {
                return try unsafe produce(
                    bytes, to: topic, partition: partition, timestamp: timestamp, headers: headers)
            }
            try unsafe rethrowing(key) { (key) throws(KafkaError) in
                try unsafe produce(
                    bytes, key: key, to: topic, partition: partition, timestamp: timestamp, headers: headers)
            }
        }
        guard let value else { return try withKey(nil) }
        try unsafe rethrowing(value) { (bytes) throws(KafkaError) in try unsafe withKey(bytes) }
    }

    private func rethrowing(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        var failure: KafkaError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(KafkaError) { try unsafe body(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func enqueue(
        _ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?, _ topic: OpaquePointer, _ partition: Int32?,
        _ timestamp: Int64?, _ headers: [Header]
    ) -> rd_kafka_resp_err_t {
        let number = partition ?? RD_KAFKA_PARTITION_UA
        // librdkafka tells an empty value from a tombstone by the pointer alone.
        let payload = unsafe value.map { unsafe UnsafeMutableRawPointer(mutating: $0.baseAddress ?? anyAddress) }
        let keyStart = unsafe key.map { unsafe $0.baseAddress ?? anyAddress }
        guard timestamp != nil || !headers.isEmpty else {
            let result = unsafe rd_kafka_produce(
                topic, number, RD_KAFKA_MSG_F_COPY, payload, value?.count ?? 0, keyStart, key?.count ?? 0, nil)
            return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
        }
        return unsafe withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 7) { fields in
            for index in 0..<7 { unsafe fields.initializeElement(at: index, to: rd_kafka_vu_t()) }
            unsafe fields[0].vtype = RD_KAFKA_VTYPE_RKT
            unsafe fields[0].u.rkt = unsafe topic
            unsafe fields[1].vtype = RD_KAFKA_VTYPE_PARTITION
            unsafe fields[1].u.i32 = number
            unsafe fields[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS
            unsafe fields[2].u.i = RD_KAFKA_MSG_F_COPY
            unsafe fields[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP
            // 0 is now.
            unsafe fields[3].u.i64 = timestamp ?? 0
            unsafe fields[4].vtype = RD_KAFKA_VTYPE_VALUE
            unsafe fields[4].u.mem = unsafe .init(ptr: payload, size: value?.count ?? 0)
            unsafe fields[5].vtype = RD_KAFKA_VTYPE_KEY
            unsafe fields[5].u.mem = unsafe .init(
                ptr: UnsafeMutableRawPointer(mutating: keyStart), size: key?.count ?? 0)
            let list = unsafe headers.isEmpty ? nil : Self.list(headers)
            unsafe fields[6].vtype = RD_KAFKA_VTYPE_HEADERS
            unsafe fields[6].u.headers = unsafe list
            let failure = unsafe rd_kafka_produceva(
                client.pointer, fields.baseAddress, list == nil ? fields.count - 1 : fields.count)
            guard let failure = unsafe failure else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            defer { unsafe rd_kafka_error_destroy(failure) }
            // The list went over to the message only if there is one.
            if let list = unsafe list { unsafe rd_kafka_headers_destroy(list) }
            return unsafe rd_kafka_error_code(failure)
        }
    }

    private static func list(_ headers: [Header]) -> OpaquePointer? {
        let list = unsafe rd_kafka_headers_new(headers.count)
        for header in headers {
            guard let value = header.value else {
                unsafe rd_kafka_header_add(list, header.name, -1, nil, 0)
                continue
            }
            unsafe value.withUnsafeBytes { bytes in
                _ = unsafe rd_kafka_header_add(list, header.name, -1, bytes.baseAddress ?? anyAddress, bytes.count)
            }
        }
        return unsafe list
    }

    /// Messages queued or in flight.
    public var queuedMessages: Int { unsafe Int(rd_kafka_outq_len(client.pointer)) }

    /// Serves delivery reports without waiting.
    /// - Throws: the first error of a message that could not be delivered since the last call.
    public func checkDelivered() throws(KafkaError) {
        unsafe rd_kafka_poll(client.pointer, 0)
        guard let (count, first) = client.callbacks.takeUndelivered() else { return }
        guard count > 1 else { throw first }
        throw KafkaError(
            code: first.code, name: first.name, message: "\(first.message); and \(count - 1) more messages",
            hint: first.hint, isRetryable: first.isRetryable)
    }

    /// Waits until every queued message is delivered.
    /// - Throws: `KafkaError`: `timedOut` with the number left, or the first error of an undelivered message.
    public func flush(timeout: Duration = KafkaLimits.produceTimeout) throws(KafkaError) {
        let response = unsafe rd_kafka_flush(client.pointer, timeout.milliseconds)
        try checkDelivered()
        guard response == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw client.callbacks.error(
                response, doing: "kafka: \(queuedMessages) messages not delivered in \(timeout)")
        }
    }

    /// Flushes, then ends the client.
    public consuming func close(timeout: Duration = KafkaLimits.closeTimeout) throws(KafkaError) {
        try flush(timeout: timeout)
        guard client.shutDown(leavingGroup: false, within: timeout) else {
            throw KafkaError(
                code: .closeTimedOut, message: "kafka: the producer did not close within \(timeout)")
        }
    }
}

/// Topic handles; they live as long as the client.
@safe private struct HandleList {
    var elements: [OpaquePointer] = unsafe []
}

/// Something that is not null, for values without bytes.
nonisolated(unsafe) private let anyAddress = unsafe UnsafeRawPointer(bitPattern: 16)!
