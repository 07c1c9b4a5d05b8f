import Foundation
import Kafka
import Synchronization

/// A message, copied.
struct Copied: Equatable, Sendable {
    let partition: TopicPartition
    let offset: Int64
    let payload: [UInt8]?
    let key: [UInt8]?
    let timestamp: Int64?

    /// The number written by `Stand.fill`.
    var number: Int? { payload.flatMap { Int(String(decoding: $0, as: UTF8.self)) } }
}

/// What a consumer brought so far.
struct Received: Sendable {
    var messages: [Copied] = []
    var events: [ConsumerEvent] = []
}

struct DeadlinePassed: Error, CustomStringConvertible {
    let description: String
}

/// Claims everything from fixed offsets and keeps a record of what was asked of it.
final class RecordingDelegate: RebalanceDelegate, Sendable {
    enum Call: Equatable, Sendable {
        case assigned([TopicPartition])
        case revoked([TopicPartition])
        case lost([TopicPartition])
    }

    private let state = Mutex<(calls: [Call], refusals: Int)>(([], 0))
    private let start: @Sendable (TopicPartition) -> StartOffset?

    init(refusals: Int = 0, start: @escaping @Sendable (TopicPartition) -> StartOffset? = { _ in .earliest }) {
        self.start = start
        state.withLock { $0.refusals = refusals }
    }

    var calls: [Call] { state.withLock { $0.calls } }

    var held: Set<TopicPartition> {
        var held: Set<TopicPartition> = []
        for call in calls {
            switch call {
            case .assigned(let partitions): held.formUnion(partitions)
            case .revoked(let partitions), .lost(let partitions): held.subtract(partitions)
            }
        }
        return held
    }

    func assigned(_ partitions: [TopicPartition]) throws -> [PartitionStart] {
        try state.withLock { state in
            guard state.refusals == 0 else {
                state.refusals -= 1
                throw DeadlinePassed(description: "the claim was refused on purpose")
            }
            state.calls.append(.assigned(partitions))
        }
        return partitions.compactMap { partition in start(partition).map { PartitionStart(partition, $0) } }
    }

    func revoked(_ partitions: [TopicPartition]) { state.withLock { $0.calls.append(.revoked(partitions)) } }
    func lost(_ partitions: [TopicPartition]) { state.withLock { $0.calls.append(.lost(partitions)) } }
}

extension Consumer {
    /// Polls until `enough`; fails with what is there after `deadline`.
    mutating func read(
        _ delegate: RecordingDelegate = RecordingDelegate(), maxMessages: Int = 1000,
        deadline: Duration = .seconds(30), into received: inout Received, until enough: (Received) -> Bool
    ) throws {
        let end = ContinuousClock.now + deadline
        while !enough(received) {
            guard ContinuousClock.now < end else {
                throw DeadlinePassed(
                    description: "after \(deadline): \(received.messages.count) messages, events \(received.events), "
                        + "delegate \(delegate.calls.suffix(6))")
            }
            try pollOnce(delegate, maxMessages: maxMessages, into: &received)
        }
    }

    mutating func pollOnce(
        _ delegate: RecordingDelegate, maxMessages: Int = 1000, timeout: Duration = .milliseconds(100),
        into received: inout Received
    ) throws {
        var copied: [Copied] = []
        var slots: [Int] = []
        let result = try poll(maxMessages: maxMessages, timeout: timeout, delegate: delegate) { view in
            slots.append(view.slot)
            copied.append(
                Copied(
                    partition: TopicPartition("", view.partition), offset: view.offset,
                    payload: unsafe view.payload.map { unsafe [UInt8]($0) },
                    key: unsafe view.key.map { unsafe [UInt8]($0) }, timestamp: view.timestamp))
        }
        for (slot, message) in zip(slots, copied) {
            received.messages.append(
                Copied(
                    partition: partition(ofSlot: slot), offset: message.offset, payload: message.payload,
                    key: message.key, timestamp: message.timestamp))
        }
        received.events += result.events
    }

    /// Reads `count` messages.
    mutating func read(_ count: Int, _ delegate: RecordingDelegate = RecordingDelegate()) throws -> [Copied] {
        var received = Received()
        try read(delegate, into: &received) { $0.messages.count >= count }
        return received.messages
    }
}

/// Waits for a condition, looking again without ever sleeping blindly for a result.
func eventually(within deadline: Duration = .seconds(30), _ what: String, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + deadline
    while try !condition() {
        guard ContinuousClock.now < end else { throw DeadlinePassed(description: "\(what): not within \(deadline)") }
        Thread.sleep(forTimeInterval: 0.005)
    }
}
