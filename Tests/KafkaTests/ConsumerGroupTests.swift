import Foundation
import LocalServices
import PlatformTesting
import Testing

@testable import Kafka

@Suite(.serialized) struct ConsumerGroupTests {
    @Test(arguments: Stand.available)
    func theDelegatesOffsetsAreHonouredExactly(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 3)
            for number in 0..<3 { try stand.fill(TopicPartition(name, Int32(number)), with: 0..<200) }
            let delegate = RecordingDelegate { .at(Int64($0.partition) * 70 + 1) }
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            var received = Received()
            try consumer.read(delegate, into: &received) { $0.messages.count >= 199 + 129 + 59 }
            for number in 0..<3 {
                let offsets = received.messages.filter { $0.partition.partition == Int32(number) }.map(\.offset)
                #expect(offsets == Array(Int64(number) * 70 + 1..<200))
            }
            let all = (0..<3).map { TopicPartition(name, Int32($0)) }
            #expect(delegate.calls == [.assigned(all)])
            try consumer.close(delegate: delegate)
            #expect(delegate.calls == [.assigned(all), .revoked(all)])
        }
    }

    /// librdkafka itself would go on waiting for messages.
    @Test(arguments: Stand.available)
    func anAssignmentEndsAWait(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic()
            let delegate = RecordingDelegate()
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            var received = Received()
            let waited = try ContinuousClock().measure {
                try consumer.pollOnce(delegate, timeout: .seconds(120), into: &received)
            }
            #expect(delegate.calls == [.assigned([TopicPartition(name, 0)])])
            #expect(waited < .seconds(100))
            try consumer.close(delegate: delegate)
        }
    }

    @Test(arguments: Stand.available)
    func aRefusedClaimIsAskedAgainAndReadsNothingBefore(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic()
            try stand.fill(TopicPartition(name, 0), with: 0..<20)
            let delegate = RecordingDelegate(refusals: 3) { _ in .at(5) }
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            var (received, refusals) = (Received(), 0)
            let end = ContinuousClock.now + .seconds(30)
            while received.messages.count < 15, ContinuousClock.now < end {
                do {
                    try consumer.pollOnce(delegate, into: &received)
                } catch is DeadlinePassed {
                    refusals += 1
                    #expect(received.messages.isEmpty)
                }
            }
            #expect(refusals == 3)
            #expect(received.messages.map(\.offset) == Array(5..<20))
            try consumer.close(delegate: delegate)
        }
    }

    @Test(arguments: Stand.available)
    func partitionsLeftOutByTheDelegateAreOursAndSilent(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 2)
            for number in 0..<2 { try stand.fill(TopicPartition(name, Int32(number)), with: 0..<20) }
            let delegate = RecordingDelegate { $0.partition == 0 ? nil : .at(0) }
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            let messages = try consumer.read(20, delegate)
            #expect(messages.allSatisfy { $0.partition.partition == 1 })
            #expect(consumer.owned.count == 2)
            try consumer.rewind([PartitionStart(TopicPartition(name, 0), .at(10))])
            #expect(try consumer.read(10, delegate).map(\.offset) == Array(10..<20))
            try consumer.close(delegate: delegate)
        }
    }

    /// Two members; what each gives up it goes on with where the other left off, as a database would keep it.
    @Test(arguments: Stand.available)
    func twoMembersShareAndHandOverWithoutLossOrRepetition(kind: Stand.Kind) async throws {
        try await onOwnThread {
            let stand = try Stand(kind)
            let name = try stand.topic(partitions: 4)
            let partitions = (0..<4).map { TopicPartition(name, Int32($0)) }
            for partition in partitions { try stand.fill(partition, with: 0..<100) }
            let book = PositionBook()
            let (first, second) = (RecordingDelegate { book.position($0) }, RecordingDelegate { book.position($0) })
            var one = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            var (received, other) = (Received(), Received())
            try eventually("the first reads all") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received)
                book.note(received)
                return book.count == 400
            }
            var two = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            try eventually("both hold two partitions") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received)
                try two.pollOnce(second, timeout: .milliseconds(20), into: &other)
                return first.held.count == 2 && second.held.count == 2
            }
            #expect(first.held.union(second.held) == Set(partitions))
            for partition in partitions { try stand.fill(partition, with: 100..<150) }
            try eventually("both read the rest") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received)
                try two.pollOnce(second, timeout: .milliseconds(20), into: &other)
                return received.messages.count + other.messages.count >= 600
            }
            #expect(!other.messages.isEmpty)
            for partition in partitions {
                let offsets = (received.messages + other.messages).filter { $0.partition == partition }.map(\.offset)
                #expect(offsets.sorted() == Array(0..<150))
            }
            book.note(received)
            book.note(other)
            try two.close(delegate: second)
            #expect(second.held.isEmpty)
            try eventually("the first gets all back") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received); return first.held.count == 4
            }
            for partition in partitions { try stand.fill(partition, with: 150..<160) }
            try eventually("the first reads on") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received);
                return received.messages.count + other.messages.count >= 640
            }
            #expect(received.messages.count + other.messages.count == 640)
            #expect(first.calls.first == .assigned(partitions))
            #expect(first.calls.dropFirst().first == .revoked(partitions))
            try one.close(delegate: first)
        }
    }

    /// A member that does not poll in time loses its partitions: it is told so, and never asked to flush.
    @Test func partitionsLostByLatePollsAreReportedLostNotRevoked() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let name = try stand.topic(partitions: 2)
            try stand.fill(TopicPartition(name, 0), with: 0..<10)
            var settings = stand.quickGroup
            settings["max.poll.interval.ms"] = "5000"
            let delegate = RecordingDelegate()
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: settings)
            _ = try consumer.read(10, delegate)
            try stand.fill(TopicPartition(name, 0), with: 10..<20)
            let end = ContinuousClock.now + .seconds(7)
            try eventually("too long without a poll") { ContinuousClock.now > end }
            var received = Received()
            try consumer.read(delegate, into: &received) { _ in delegate.calls.count >= 2 }
            let both = [TopicPartition(name, 0), TopicPartition(name, 1)]
            #expect(delegate.calls.prefix(2) == [.assigned(both), .lost(both)])
            #expect(received.events.contains { if case .pollTooLate = $0 { true } else { false } })
            try consumer.read(delegate, into: &received) { _ in delegate.calls.count >= 3 }
            #expect(delegate.calls[2] == .assigned(both))
            try consumer.close(delegate: delegate)
        }
    }

    /// Another process, another client: kcat joins, is killed without a word, and its partitions come back.
    @Test(.enabled(if: kcat != nil))
    func aKilledMemberInAnotherProcessIsTakenOver() async throws {
        try await onOwnThread {
            let stand = try Stand(.development)
            let name = try stand.topic(partitions: 4)
            let delegate = RecordingDelegate()
            var consumer = try stand.consumer(group: "g-\(name)", topics: [name], settings: stand.quickGroup)
            var received = Received()
            try eventually("alone") {
                try consumer.pollOnce(delegate, into: &received)
                return delegate.held.count == 4
            }
            let member = Process()
            member.executableURL = kcat
            member.arguments = [
                "-b", stand.bootstrapServers, "-X", "session.timeout.ms=4500", "-X", "heartbeat.interval.ms=300",
                "-G", "g-\(name)", name,
            ]
            member.standardOutput = FileHandle.nullDevice
            member.standardError = FileHandle.nullDevice
            try member.run()
            try eventually("shared with kcat") {
                try consumer.pollOnce(delegate, into: &received)
                return delegate.held.count == 2
            }
            kill(member.processIdentifier, SIGKILL)
            try eventually("taken over") {
                try consumer.pollOnce(delegate, into: &received)
                return delegate.held.count == 4
            }
            try consumer.close(delegate: delegate)
        }
    }

    @Test func cooperativeMembersKeepWhatDoesNotMove() async throws {
        guard LibraryVersion.current >= .cooperativeSafe else {
            skipped("cooperative assignment needs librdkafka \(LibraryVersion.cooperativeSafe)")
            return
        }
        try await onOwnThread {
            let stand = try Stand(.development)
            let name = try stand.topic(partitions: 4)
            var settings = stand.quickGroup
            settings["partition.assignment.strategy"] = "cooperative-sticky"
            let book = PositionBook()
            let (first, second) = (RecordingDelegate { book.position($0) }, RecordingDelegate { book.position($0) })
            var one = try stand.consumer(group: "g-\(name)", topics: [name], settings: settings)
            var received = Received()
            try eventually("alone") {
                try one.pollOnce(first, into: &received); return first.held.count == 4
            }
            var two = try stand.consumer(group: "g-\(name)", topics: [name], settings: settings)
            try eventually("shared") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received)
                try two.pollOnce(second, timeout: .milliseconds(20), into: &received)
                return first.held.count == 2 && second.held.count == 2
            }
            let revoked = first.calls.flatMap { call in if case .revoked(let list) = call { list } else { [] } }
            #expect(revoked.count == 2, "only what moves is taken back: \(first.calls)")
            for number in 0..<4 { try stand.fill(TopicPartition(name, Int32(number)), with: 0..<50) }
            try eventually("all read") {
                try one.pollOnce(first, timeout: .milliseconds(20), into: &received)
                try two.pollOnce(second, timeout: .milliseconds(20), into: &received)
                return received.messages.count >= 200
            }
            let kept = try #require(first.held.sorted().first)
            try one.rewind([PartitionStart(kept, .at(25))])
            var again = Received()
            try one.read(first, into: &again) { $0.messages.count >= 25 }
            #expect(again.messages.map(\.offset) == Array(25..<50))
            try two.close(delegate: second)
            try one.close(delegate: first)
        }
    }
}

let kcat: URL? = {
    let url = URL(fileURLWithPath: "/usr/bin/kcat")
    if FileManager.default.isExecutableFile(atPath: url.path) { return url }
    skipped("kcat is not installed: no member in another process")
    return nil
}()

/// Next offsets, as the database would keep them for both members.
final class PositionBook: @unchecked Sendable {  // Used by one thread: both consumers are polled in turn.
    private var next: [TopicPartition: Int64] = [:]
    private var noted = 0

    func position(_ partition: TopicPartition) -> StartOffset { .at(next[partition] ?? 0) }

    func note(_ received: Received) {
        for message in received.messages {
            next[message.partition] = max(next[message.partition] ?? 0, message.offset + 1)
        }
        noted = received.messages.count
    }

    var count: Int { noted }
}
