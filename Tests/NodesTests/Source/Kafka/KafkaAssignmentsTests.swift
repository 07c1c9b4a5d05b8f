import Kafka
import Logging
import Platform
import PlatformTesting
import Synchronization
import Testing

@testable import Dataflow
@testable import DataflowTesting
@testable import Nodes

/// What a source does with the partitions that the group gave it: no broker, a model of a database, and a pipeline that
/// does not run, so that the engine stays as each call leaves it.
@Suite struct KafkaAssignmentsTests {
    private let key = PartitionKey(topic: "t", partition: 0)
    private let other = PartitionKey(topic: "t", partition: 1)
    private var partition: TopicPartition { TopicPartition("t", 0) }
    private static let halt = LogAnswer.unsound(reason: "another message", goOn: 0)
    private static let sound = LogAnswer.sound(Watermarks(low: 0, high: 1_000), isTailGone: false)

    /// The parts of one source.
    private struct Stand {
        private let source = IdleSource()
        let builder: KafkaBatchBuilder
        let troubles: KafkaTroubles
        let assignments: KafkaAssignments
        var database: ModelDatabase { source.database }
        var pipeline: Pipeline { source.pipeline }
        var intake: Intake { source.intake }
        var lines: LogLines { source.lines }

        init() {
            builder = KafkaBatchBuilder(intake: source.intake, framing: .document)
            troubles = KafkaTroubles(source.logger)
            let reserve = QueueReserve(source.plan.configuration, source.memory, source.logger)
            assignments = KafkaAssignments(
                source.plan, source.intake, builder, reserve, troubles, source.logger)
        }

        /// Claims partitions and begins them by what their logs say.
        func begin(_ answers: [TopicPartition: LogAnswer]) throws -> [PartitionStart] {
            let keys = answers.keys.sorted().map { PartitionKey(topic: $0.topic, partition: $0.partition) }
            return try assignments.starts(of: intake.claim(keys), answers)
        }

        /// Asks for the rows of partitions and looks at them.
        func adopt(_ partitions: TopicPartition...) throws -> Bool {
            let asked = partitions.compactMap { assignments.partitions[$0]?.row }
            return assignments.adopt(try intake.stored(asked), of: asked)
        }

        /// Whether everything since the last commit is being dropped.
        var isDropping: Bool { pipeline.monitor.withLock { $0.rewind.phase != .settled } }

        func change(_ key: PartitionKey, _ body: (inout ModelDatabase.Row) -> Void) {
            database.contents.withLock { body(&$0.rows[key, default: .init()]) }
        }
    }

    @Test func whatIsSoundIsReadAndTheOthersStandStill() throws {
        let stand = Stand()
        let later = TopicPartition("t", 2)
        let away = KafkaError(code: .timedOut, message: "no answer")
        let starts = try stand.begin([
            partition: Self.halt, TopicPartition("t", 1): Self.sound, later: .unknown(away),
        ])
        #expect(starts.map(\.partition) == [TopicPartition("t", 1)])
        #expect(stand.assignments.partitions[partition]?.standing == .halted(reason: "another message", goOn: 0))
        #expect(stand.assignments.partitions[TopicPartition("t", 1)]?.isReading == true)
        guard case .postponed(let reason, _) = stand.assignments.partitions[later]?.standing else {
            Issue.record("a log that does not answer is not put off")
            return
        }
        #expect(reason.contains("no answer"))
        #expect(stand.troubles.summary?.contains("halted: t/0: another message; to go on") == true)
        #expect(stand.lines.text.contains("Partition halted"))
        // Never read before: it begins where its log does, and the database knows.
        #expect(stand.database.positions[other] == 0)
    }

    @Test func aLogThatDoesNotAnswerLeavesAHaltedPartitionHalted() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        let away = KafkaError(code: .timedOut, message: "no answer")
        #expect(try stand.assignments.settle(partition, .unknown(away)) == nil)
        #expect(stand.assignments.partitions[partition]?.standing == .halted(reason: "another message", goOn: 0))
        #expect(try stand.assignments.settle(partition, Self.sound)?.partition == partition)
        #expect(stand.assignments.partitions[partition]?.isReading == true)
    }

    @Test func aMendedRowIsAdopted() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        #expect(try stand.adopt(partition))
        #expect(!stand.lines.text.contains("was changed"), "nothing was")
        stand.change(key) { $0.nextOffset = 40 }
        #expect(try stand.adopt(partition))
        #expect(stand.assignments.partitions[partition]?.row.nextOffset == 40)
        #expect(stand.lines.text.contains("The row of a partition was changed"))
        #expect(!stand.isDropping)
        guard case .at(40) = try stand.assignments.settle(partition, Self.sound)?.offset else {
            Issue.record("it is not read on where the row says")
            return
        }
    }

    /// A person who accepts another log gives up the clock of the one before with its position.
    @Test(arguments: [nil, EventClock(time: 7_000_000)])
    func theClockOfAMendedRowIsTakenOver(clock: EventClock?) throws {
        let stand = Stand()
        let index = try stand.intake.claim([key])[0].index
        stand.change(key) { ($0.nextOffset, $0.clock) = (30, EventClock(time: 9_000_000)) }
        _ = try stand.begin([partition: Self.halt])
        // What was read before it stood still has begun the clock.
        #expect(stand.pipeline.monitor.withLock { $0.partitions[index].takeFresh() })
        stand.change(key) { ($0.nextOffset, $0.clock) = (40, clock) }
        #expect(try stand.adopt(partition))
        let state = stand.pipeline.monitor.withLock { state in
            (clock: state.partitions[index].clock, isFresh: state.partitions[index].takeFresh())
        }
        #expect(state.clock == clock && state.isFresh)
    }

    /// Before: a row whose owner epoch had changed was passed over, and a partition that somebody else had claimed was halted
    /// here for ever.
    @Test func aHaltedPartitionThatSomebodyElseHasClaimedIsAskedAbout() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        stand.change(key) { ($0.ownerEpoch, $0.owner) = ($0.ownerEpoch + 1, "second") }
        #expect(try !stand.adopt(partition))
        #expect(stand.isDropping)
        #expect(stand.lines.text.contains("owner=second"))
    }

    @Test func aClaimThatARestoreHasUndoneIsAskedAbout() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        stand.change(key) { $0.ownerEpoch -= 1 }
        #expect(try !stand.adopt(partition))
        #expect(stand.isDropping)
    }

    @Test func anotherOwnerOfTheSameEpochIsAnother() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        stand.change(key) { $0.owner = "second" }
        #expect(try !stand.adopt(partition))
        #expect(stand.isDropping)
    }

    @Test func aRowThatIsGoneIsAskedAbout() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt])
        stand.database.contents.withLock { $0.rows[key] = nil }
        #expect(try !stand.adopt(partition))
        #expect(stand.isDropping)
    }

    @Test func whatIsReadIsLeftToTheFence() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.sound])
        stand.change(key) { $0.ownerEpoch += 1 }
        #expect(try stand.adopt(partition))
        #expect(!stand.isDropping)
    }

    /// Before: the row was behind what had been handed over, which was taken for a person's change; the partition was set back
    /// in the open epoch, and what lay in between was counted twice.
    @Test func aRowFromBeforeTheCommitIsNoPersonsChange() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.sound])
        #expect(stand.builder.prepare(timeout: .zero))
        let index = try #require(stand.assignments.partitions[partition]?.index)
        stand.builder.skip(index, from: 0, to: 30)
        stand.builder.submit()
        stand.assignments.postpone(partition, at: 30, "out of range")
        #expect(try stand.assignments.settle(partition, Self.halt) == nil)
        #expect(try stand.adopt(partition))
        #expect(stand.assignments.partitions[partition]?.row.nextOffset == 30)
        #expect(stand.pipeline.monitor.withLock { $0.partitions[index].next } == 30)
        #expect(!stand.lines.text.contains("was changed"))
    }

    /// A broker that stops answering: the logs of partitions do not answer, and then the partitions are gone.
    @Test func partitionsThatAreGoneAreNotReadAgain() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.sound])
        let state = try #require(stand.assignments.partitions[partition])
        stand.assignments.hasNoAnswer(partition, "timed out")
        stand.assignments.tell()
        #expect(stand.troubles.summary == "t/0: timed out")
        stand.assignments.forget([partition])
        #expect(stand.troubles.isEmpty && !stand.lines.text.contains("All partitions are read again"))
        // The rewind that follows begins nothing; what is assigned later does.
        stand.troubles.met(.group, "lost")
        _ = try stand.assignments.starts(of: [], [:])
        #expect(stand.troubles.summary == "lost")
        _ = try stand.assignments.starts(of: [(state.index, state.row)], [partition: Self.sound])
        #expect(stand.troubles.isEmpty && stand.lines.text.contains("Partitions are assigned"))
    }

    /// Nor are they when the client has found out meanwhile that the broker is away.
    @Test func aBrokerThatIsAwayIsNoGoodNewsOfPartitions() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.sound])
        stand.assignments.hasNoAnswer(partition, "timed out")
        stand.assignments.tell()
        stand.troubles.met(.connection, "away")
        stand.assignments.hasNoAnswer(partition, "timed out")
        stand.assignments.tell()
        #expect(stand.troubles.summary == "away" && !stand.lines.text.contains("All partitions are read again"))
    }

    @Test func whatWasTakenOverOrGivenBackIsForgotten() throws {
        let stand = Stand()
        _ = try stand.begin([partition: Self.halt, TopicPartition("t", 1): Self.sound])
        let generation = stand.assignments.generation
        stand.assignments.setAside([partition])
        #expect(stand.assignments.partitions.keys.sorted() == [TopicPartition("t", 1)])
        #expect(stand.assignments.generation > generation, "what was asked about logs before is void")
        #expect(stand.troubles.summary == nil)
        stand.assignments.forget([partition, TopicPartition("t", 1)])
        #expect(stand.assignments.partitions.isEmpty)
        #expect(stand.pipeline.monitor.withLock { $0.partitions.allSatisfy { !$0.isActive } })
    }
}
