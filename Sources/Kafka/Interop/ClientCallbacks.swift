internal import CRdKafka
internal import Synchronization

/// What librdkafka's callbacks leave behind for the thread that polls; one per client, which C knows as its opaque
/// pointer.
///
/// Callbacks only record. In particular a rebalance is answered after the messages in hand have been delivered, so
/// that no message is ever delivered for a partition already given up.
final class ClientCallbacks: Sendable {
    /// A rebalance librdkafka waits to have answered.
    struct Rebalance: Sendable {
        enum Kind: Sendable { case assign, revoke, lost }
        let kind: Kind
        let partitions: [TopicPartition]
    }

    private struct State {
        var events: [ConsumerEvent] = []
        var rebalances: [Rebalance] = []
        var isClosing = false
        var lastTransportText: String?
        var lastSecurityText: String?
        /// Why it is no use to go on asking: somebody answers who does not speak Kafka.
        var stranger: KafkaError?
        var misreadVersions = false
        var undelivered = 0
        var firstUndelivered: KafkaError?
    }

    private let state = Mutex(State())
    private let woken = Atomic<Bool>(false)
    private let pending = Atomic<Bool>(false)
    private let log: KafkaLogHandler?
    let brokers: String

    init(brokers: String, log: KafkaLogHandler?) {
        self.brokers = brokers
        self.log = log
    }

    // MARK: What the polling thread takes

    /// Whether an event or a rebalance waits.
    var hasNews: Bool { pending.load(ordering: .acquiring) }

    func wake() { woken.store(true, ordering: .releasing) }

    /// Whether `wake` was called since the last time.
    func takeWake() -> Bool {
        woken.load(ordering: .relaxed) && woken.exchange(false, ordering: .acquiring)
    }

    func takeEvents() -> [ConsumerEvent] {
        state.withLock { state in
            pending.store(!state.rebalances.isEmpty, ordering: .releasing)
            defer { state.events.removeAll() }
            return state.events
        }
    }

    /// The rebalance to answer next. An assignment taken back before it was answered is passed over.
    var nextRebalance: Rebalance? {
        state.withLock { state in
            while state.rebalances.count > 1, state.rebalances[0].kind == .assign, state.rebalances[1].kind != .assign {
                state.rebalances.removeFirst()
            }
            return state.rebalances.first
        }
    }

    func rebalanceAnswered() {
        state.withLock { state in
            if !state.rebalances.isEmpty { state.rebalances.removeFirst() }
            pending.store(!state.rebalances.isEmpty || !state.events.isEmpty, ordering: .releasing)
        }
    }

    /// From now on rebalances are answered at once, by giving everything up.
    func beginClosing() { state.withLock { $0.isClosing = true } }

    /// Whether `beginClosing` was called.
    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Messages that were reported as undeliverable since the last time, with the first one's error.
    func takeUndelivered() -> (count: Int, first: KafkaError)? {
        state.withLock { state in
            guard let first = state.firstUndelivered else { return nil }
            defer { (state.undelivered, state.firstUndelivered) = (0, nil) }
            return (state.undelivered, first)
        }
    }

    // MARK: What callbacks leave

    func record(_ event: ConsumerEvent) {
        state.withLock { state in
            if state.events.count >= KafkaLimits.eventsMax {
                let oldest = state.events.firstIndex { if case .fatal = $0 { false } else { true } }
                state.events.remove(at: oldest ?? 0)
            }
            state.events.append(event)
        }
        pending.store(true, ordering: .releasing)
    }

    /// - Returns: false if the client is closing: the caller has to answer itself.
    func record(_ rebalance: Rebalance) -> Bool {
        let isOpen = state.withLock { state in
            guard !state.isClosing else { return false }
            state.rebalances.append(rebalance)
            return true
        }
        pending.store(true, ordering: .releasing)
        return isOpen
    }

    func recordUndelivered(_ error: KafkaError) {
        state.withLock { state in
            state.undelivered += 1
            if state.firstUndelivered == nil { state.firstUndelivered = error }
        }
    }

    func receive(_ line: KafkaLogLine) {
        let isMisread =
            line.message.contains("Read underflow") || line.facility == "PROTOUFLOW"
            || (line.facility == "PROTOERR" && line.message.contains("ApiVersion"))
        if isMisread { state.withLock { $0.misreadVersions = true } }
        log?(line)
    }

    /// An error librdkafka reports for the client as a whole.
    func receive(_ response: rd_kafka_resp_err_t, text: String) {
        if text.contains("Read underflow") { state.withLock { $0.misreadVersions = true } }
        let error = self.error(response, doing: "kafka", detail: text)
        let code = error.code
        if response != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
            state.withLock { state in
                state.stranger = code == .protocolMismatch && KafkaError.stranger(in: text) != nil ? error : nil
                if code == .authentication { state.lastSecurityText = text } else { state.lastTransportText = text }
            }
        }
        switch (response, code) {
        case (RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, _): record(.brokersDown(unreachable(response)))
        case (_, .authentication): record(.authentication(error))
        case (_, .brokersUnreachable): record(.transport(error))
        case (_, .fatal): record(.fatal(error))
        default: record(.failed(error))
        }
    }

    // MARK: Errors said with what was seen on the way

    /// The error for `response`. When nothing answers, it also names the brokers and the last connection's failure.
    func error(_ response: rd_kafka_resp_err_t, doing: String, detail: String? = nil) -> KafkaError {
        explained(KafkaError(response, doing: doing, detail: detail), hasDetail: detail != nil)
    }

    /// `base` with what was seen on the way, if it is about a connection.
    /// - Parameter hasDetail: it already carries librdkafka's text about that very connection.
    func explained(_ base: KafkaError, hasDetail: Bool) -> KafkaError {
        let isConnection = base.code == .brokersUnreachable || base.code == .timedOut || base.code == .protocolMismatch
        guard isConnection else { return base }
        let (misread, transport, security, stranger) = state.withLock {
            ($0.misreadVersions, $0.lastTransportText, $0.lastSecurityText, $0.stranger)
        }
        if let stranger { return stranger }
        if misread {
            return KafkaError(
                code: .protocolMismatch, name: base.name, message: base.message,
                hint: "librdkafka \(LibraryVersion.current) misread this broker's ApiVersions answer "
                    + "(\"Read underflow\", a fault before \(LibraryVersion.apiVersionsSafe)): install a newer one",
                isRetryable: false)
        }
        if !hasDetail, let security {
            return KafkaError(
                code: .authentication, name: base.name, message: "\(base.message); last refusal: \(security)",
                hint: KafkaError.Code.authentication.hint, isRetryable: true)
        }
        guard !hasDetail, let transport else { return base }
        return KafkaError(
            code: .brokersUnreachable, name: base.name, message: "\(base.message); last failure: \(transport)",
            hint: KafkaError.Code.brokersUnreachable.hint)
    }

    private func unreachable(_ response: rd_kafka_resp_err_t) -> KafkaError {
        error(response, doing: "kafka: none of the brokers \(brokers) can be reached")
    }
}
