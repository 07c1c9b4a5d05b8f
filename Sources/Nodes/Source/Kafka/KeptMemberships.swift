import Foundation
import Kafka
import Logging
import Synchronization

/// The consumers of a topology that is stopped in order to be started again at once, by another version of it say, in the
/// same process: they go on being members of their groups meanwhile. A group that was left by all takes seconds before it
/// hands anything out again, and one that somebody joins lets all others wait.
///
/// Positions live in Postgres, so whoever takes a consumer over asks there where to begin, as after any assignment.
package final class KeptMemberships: Sendable {
    private struct State {
        var isSuccessorExpected = false
        var kept: [KeptConsumer] = []
    }

    private let state = Mutex(State())

    /// None, and nobody expects any.
    package init() {}

    /// How many consumers wait for a pipeline.
    var count: Int { state.withLock { $0.kept.count } }

    /// Says whether the pipeline that is about to end will be followed by another one.
    package func expectSuccessor(_ isExpected: Bool) { state.withLock { $0.isSuccessorExpected = isExpected } }

    /// Keeps the consumer of a pipeline that has ended.
    /// - Returns: the consumer, when it is not kept and is to be closed.
    func keep(
        _ consumer: consuming Consumer, of configuration: ConsumerConfiguration, _ logger: Logger
    ) -> Consumer? {
        guard state.withLock({ $0.isSuccessorExpected }) else { return consumer }
        do throws(KafkaError) {
            guard try consumer.standBy() else { return consumer }
        } catch {
            logger.debug("A membership cannot be kept", metadata: ["reason": "\(error)"])
            return consumer
        }
        let kept = KeptConsumer(consumer, configuration, logger)
        state.withLock { $0.kept.append(kept) }
        return nil
    }

    /// Gives the consumer back that is a member by the same configuration. One that is it by another leaves the group first:
    /// beside it, a second one of this process would get half of the partitions.
    func take(_ configuration: ConsumerConfiguration) -> Consumer? {
        let sameGroup = state.withLock { state in
            let found = state.kept.filter { $0.configuration.isOfSameGroup(as: configuration) }
            state.kept.removeAll { $0.configuration.isOfSameGroup(as: configuration) }
            return found
        }
        var result: Consumer?
        for kept in sameGroup {
            if result == nil, kept.configuration.isInterchangeable(with: configuration) {
                result = kept.take()
            } else {
                kept.close()
            }
        }
        return result
    }

    /// Leaves the groups that nobody has come for in time; returns at once.
    package func expire(at now: ContinuousClock.Instant = .now) {
        let late = state.withLock { state in
            let found = state.kept.filter { $0.since + SourceLimits.standBy <= now }
            state.kept.removeAll { $0.since + SourceLimits.standBy <= now }
            return found
        }
        guard !late.isEmpty else { return }
        // The caller has others to look after; closing may take seconds.
        Thread.detachNewThread { for kept in late { kept.close() } }
    }

    /// Leaves all groups; returns when that is done.
    package func end() {
        let all = state.withLock { state in
            defer { state.kept = [] }
            state.isSuccessorExpected = false
            return state.kept
        }
        for kept in all { kept.close() }
    }
}

/// A consumer that nobody polls. `@unchecked Sendable`: whoever takes it out of the list is the only one who has it.
private final class KeptConsumer: @unchecked Sendable {
    let configuration: ConsumerConfiguration
    let since = ContinuousClock.now
    private var consumer: Consumer?
    private let logger: Logger

    init(_ consumer: consuming Consumer, _ configuration: ConsumerConfiguration, _ logger: Logger) {
        self.consumer = .some(consume consumer)
        self.configuration = configuration
        self.logger = logger
    }

    /// The consumer, ready to be polled; nil when it is no member any more.
    func take() -> Consumer? {
        guard consumer != nil else { return nil }
        guard consumer!.takeUp() else {
            close()
            return nil
        }
        return consumer.take()
    }

    func close() { consumer.take()?.leave(configuration.group, level: .info, logger) }
}

extension Consumer {
    /// Leaves the group. Everything is committed by now, so there is nothing to flush.
    /// - Parameter level: at which that is said.
    consuming func leave(_ group: String?, level: Logger.Level, _ logger: Logger) {
        do {
            try close(delegate: NothingToFlush(), timeout: SourceLimits.leave)
            logger.log(level: level, "The consumer group was left", metadata: ["group": "\(group ?? "")"])
        } catch {
            logger.warning("Leaving the consumer group took too long", metadata: ["reason": "\(error)"])
        }
    }
}

/// The delegate of a consumer that has nothing left to commit.
private struct NothingToFlush: RebalanceDelegate {
    func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] { [] }
    func revoked(_ partitions: [TopicPartition]) {}
    func lost(_ partitions: [TopicPartition]) {}
}
