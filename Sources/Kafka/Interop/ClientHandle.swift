internal import CRdKafka
internal import Dispatch
internal import Synchronization

/// A librdkafka client, owned: configuration, callbacks, topic handles and a bounded end.
///
/// `@unchecked Sendable`: librdkafka's client functions are thread-safe; what is stored here besides is set in `init`,
/// locked, or only touched by the one thread that ends the client.
@safe final class ClientHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    let callbacks: ClientCallbacks
    /// The consumer's queue, to which all its events are sent too; nil for producers.
    let queue: OpaquePointer?
    private let topics = Mutex<[String: TopicHandle]>([:])
    private var mockCluster: OpaquePointer?
    private var isShutDown = false

    init(
        consumer: Bool, properties: [ClientProperty], brokers: String, log: KafkaLogHandler?
    ) throws(KafkaError) {
        let callbacks = ClientCallbacks(brokers: brokers, log: log)
        let configuration = try unsafe ClientHandle.configuration(properties)
        let opaque = unsafe Unmanaged.passRetained(callbacks)
        unsafe rd_kafka_conf_set_opaque(configuration, opaque.toOpaque())
        unsafe rd_kafka_conf_set_log_cb(configuration, logCallback)
        unsafe rd_kafka_conf_set_error_cb(configuration, errorCallback)
        if consumer {
            unsafe rd_kafka_conf_set_rebalance_cb(configuration, rebalanceCallback)
            unsafe rd_kafka_conf_set_offset_commit_cb(configuration, commitCallback)
        } else {
            unsafe rd_kafka_conf_set_dr_msg_cb(configuration, deliveryCallback)
        }
        var text = [CChar](repeating: 0, count: KafkaLimits.errorTextBytes)
        let kind = consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        let client = unsafe TimerSlack.inherited { unsafe rd_kafka_new(kind, configuration, &text, text.count) }
        guard let client = unsafe client else {
            unsafe rd_kafka_conf_destroy(configuration)
            unsafe opaque.release()
            throw KafkaError(
                code: .configuration, name: unsafe String(cString: rd_kafka_err2name(rd_kafka_last_error())),
                message: "kafka: client for \(brokers) not created: \(cText(text))")
        }
        unsafe pointer = client
        self.callbacks = callbacks
        if consumer {
            unsafe rd_kafka_poll_set_consumer(client)
            unsafe queue = unsafe rd_kafka_queue_get_consumer(client)
        } else {
            unsafe queue = nil
        }
    }

    deinit { _ = end(leavingGroup: false, within: KafkaLimits.closeTimeout) }

    /// Closes the client: leaves the group (if asked to), lets go of everything, waits for librdkafka's threads.
    /// - Returns: whether it ended in time. If not, it is abandoned: its memory and threads stay until the process
    ///   ends.
    func shutDown(leavingGroup: Bool, within timeout: Duration) -> Bool {
        end(leavingGroup: leavingGroup, within: timeout)
    }

    private func end(leavingGroup: Bool, within timeout: Duration) -> Bool {
        guard !isShutDown else { return true }
        isShutDown = true
        callbacks.beginClosing()
        // Librdkafka can hang here in old versions, so it ends on a thread we can stop waiting for.
        let remains = unsafe Remains(
            client: pointer, queue: queue, topics: topics.withLock { Array($0.values) }, mockCluster: mockCluster,
            callbacks: Unmanaged.passUnretained(callbacks))
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            remains.destroy(leavingGroup: leavingGroup)
            done.signal()
        }
        return done.wait(timeout: .now() + .milliseconds(Int(timeout.milliseconds))) == .success
    }

    /// A handle of a topic that stays valid, at the same address, until the client ends.
    func topic(_ name: String) throws(KafkaError) -> OpaquePointer {
        let found = topics.withLock { topics -> TopicHandle? in
            if let known = topics[name] { return known }
            guard let pointer = unsafe rd_kafka_topic_new(pointer, name, nil) else { return nil }
            let fresh = unsafe TopicHandle(pointer: pointer)
            topics[name] = fresh
            return fresh
        }
        guard let found else { throw callbacks.error(rd_kafka_last_error(), doing: "kafka: topic '\(name)'") }
        return unsafe found.pointer
    }

    /// Hands over a mock cluster that has to end before the client.
    func own(mockCluster: OpaquePointer) { unsafe self.mockCluster = mockCluster }

    /// The error librdkafka declared fatal, if any.
    var fatalError: KafkaError? {
        var text = [CChar](repeating: 0, count: KafkaLimits.errorTextBytes)
        let response = unsafe rd_kafka_fatal_error(pointer, &text, text.count)
        guard response != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let base = KafkaError(response, doing: "kafka", detail: cText(text))
        return KafkaError(code: .fatal, name: base.name, message: base.message, hint: base.hint)
    }

    private static func configuration(_ properties: [ClientProperty]) throws(KafkaError) -> OpaquePointer {
        let configuration = unsafe rd_kafka_conf_new()!
        do {
            for property in properties { try unsafe set(property, in: configuration) }
        } catch {
            unsafe rd_kafka_conf_destroy(configuration)
            throw error
        }
        return unsafe configuration
    }

    private static func set(_ property: ClientProperty, in configuration: OpaquePointer) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: KafkaLimits.errorTextBytes)
        let result = unsafe rd_kafka_conf_set(configuration, property.key, property.value, &text, text.count)
        switch result {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN where property.isOptional: return
        case RD_KAFKA_CONF_UNKNOWN:
            throw KafkaError(
                code: .configuration,
                message: "kafka: setting '\(property.key)' is not known to librdkafka \(LibraryVersion.current)")
        default:
            let shown = AllowedSettings.isSecret(property.key) ? "" : ": \(cText(text))"
            throw KafkaError(
                code: .configuration, message: "kafka: setting '\(property.key)' has a value that is not taken\(shown)")
        }
    }
}

/// A topic of a client. `@unchecked Sendable`: librdkafka takes it from any thread.
@safe private struct TopicHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// What is left of a client when it ends. `@unchecked Sendable`: used by exactly one thread, the one that destroys it.
@safe private struct Remains: @unchecked Sendable {
    let client: OpaquePointer
    let queue: OpaquePointer?
    let topics: [TopicHandle]
    let mockCluster: OpaquePointer?
    let callbacks: Unmanaged<ClientCallbacks>

    func destroy(leavingGroup: Bool) {
        // Rebalances during the close are answered by the callback, which sees that we are closing.
        if leavingGroup { unsafe rd_kafka_consumer_close(client) }
        for topic in topics { unsafe rd_kafka_topic_destroy(topic.pointer) }
        if let queue = unsafe queue { unsafe rd_kafka_queue_destroy(queue) }
        if let mockCluster = unsafe mockCluster { unsafe rd_kafka_mock_cluster_destroy(mockCluster) }
        unsafe rd_kafka_destroy_flags(client, leavingGroup ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        unsafe callbacks.release()
    }
}

/// The text of a C buffer up to its end mark.
func cText(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

// MARK: C callbacks

private func callbacks(_ opaque: UnsafeMutableRawPointer?) -> ClientCallbacks? {
    guard let opaque = unsafe opaque else { return nil }
    return unsafe Unmanaged<ClientCallbacks>.fromOpaque(opaque).takeUnretainedValue()
}

/// Ends the wait for messages in which a callback was called: librdkafka would go on waiting. The wait for the end of a
/// consumer goes on: it would take this for the end.
private func endWait(of client: OpaquePointer, _ callbacks: ClientCallbacks) {
    guard !callbacks.isClosing, let queue = unsafe rd_kafka_queue_get_consumer(client) else { return }
    unsafe rd_kafka_queue_yield(queue)
    unsafe rd_kafka_queue_destroy(queue)
}

private func logCallback(
    client: OpaquePointer?, level: Int32, facility: UnsafePointer<CChar>?, text: UnsafePointer<CChar>?
) {
    guard let client = unsafe client, let facility = unsafe facility, let text = unsafe text,
        let callbacks = unsafe callbacks(rd_kafka_opaque(client))
    else { return }
    let level: KafkaLogLine.Level =
        switch level {
        case ...3: .error
        case 4: .warning
        case 5, 6: .info
        default: .debug
        }
    callbacks.receive(
        KafkaLogLine(level: level, facility: unsafe String(cString: facility), message: unsafe String(cString: text)))
}

private func errorCallback(
    client: OpaquePointer?, response: Int32, text: UnsafePointer<CChar>?, opaque: UnsafeMutableRawPointer?
) {
    guard let client = unsafe client, let text = unsafe text, let callbacks = unsafe callbacks(opaque) else { return }
    callbacks.receive(rd_kafka_resp_err_t(response), text: unsafe String(cString: text))
    unsafe endWait(of: client, callbacks)
}

private func rebalanceCallback(
    client: OpaquePointer?, response: rd_kafka_resp_err_t,
    partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, opaque: UnsafeMutableRawPointer?
) {
    guard let client = unsafe client, let callbacks = unsafe callbacks(opaque) else { return }
    let list = unsafe partitions.map { unsafe PartitionList.entries(of: $0).map(\.partition).sorted() } ?? []
    let kind: ClientCallbacks.Rebalance.Kind =
        if response == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            .assign
        } else if unsafe rd_kafka_assignment_lost(client) != 0 {
            .lost
        } else {
            .revoke
        }
    unsafe endWait(of: client, callbacks)
    guard !callbacks.record(ClientCallbacks.Rebalance(kind: kind, partitions: list)) else { return }
    guard unsafe rd_kafka_rebalance_protocol(client).map({ unsafe String(cString: $0) }) == "COOPERATIVE" else {
        unsafe rd_kafka_assign(client, nil)
        return
    }
    if kind != .assign {
        if let error = unsafe rd_kafka_incremental_unassign(client, partitions) { unsafe rd_kafka_error_destroy(error) }
    } else if let nothing = unsafe rd_kafka_topic_partition_list_new(0) {
        if let error = unsafe rd_kafka_incremental_assign(client, nothing) { unsafe rd_kafka_error_destroy(error) }
        unsafe rd_kafka_topic_partition_list_destroy(nothing)
    }
}

private func commitCallback(
    client: OpaquePointer?, response: rd_kafka_resp_err_t,
    partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?, opaque: UnsafeMutableRawPointer?
) {
    guard let client = unsafe client, let callbacks = unsafe callbacks(opaque),
        response != RD_KAFKA_RESP_ERR_NO_ERROR, response != RD_KAFKA_RESP_ERR__NO_OFFSET
    else { return }
    callbacks.record(.commitFailed(callbacks.error(response, doing: "kafka: committing offsets for lag tools")))
    unsafe endWait(of: client, callbacks)
}

private func deliveryCallback(
    client: OpaquePointer?, message: UnsafePointer<rd_kafka_message_t>?, opaque: UnsafeMutableRawPointer?
) {
    guard let message = unsafe message, let callbacks = unsafe callbacks(opaque) else { return }
    let response = unsafe message.pointee.err
    switch response {
    // Dropped because the caller aborted the transaction.
    case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT: return
    default: break
    }
    let topic = unsafe message.pointee.rkt.map { unsafe String(cString: rd_kafka_topic_name($0)) } ?? "?"
    callbacks.recordUndelivered(
        callbacks.error(response, doing: "kafka: message for \(topic)/\(unsafe message.pointee.partition)"))
}
