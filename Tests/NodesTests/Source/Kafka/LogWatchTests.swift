import Kafka
import Synchronization
import Testing

@testable import Dataflow
@testable import DataflowTesting
@testable import Nodes

/// Questions about logs beside reading: one job at a time, its report once.
@Suite struct LogWatchTests {
    /// The report of a job, which must come by itself.
    private static func report(of watch: LogWatch) throws -> LogWatch.Report {
        var found: LogWatch.Report?
        try eventually("the report of a look did not come") {
            found = watch.take()
            return found != nil
        }
        return try #require(found)
    }

    @Test func aLogIsAskedAndTheReportComesOnce() async throws {
        let kafka = try SourceStand(brokers: 1)
        let topic = try kafka.topic(partitions: 1)
        try kafka.fill(topic, 0, with: 0..<10)
        try await onThread {
            let stand = IdleSource(kafka.connection)
            let watch = LogWatch(kafka.connection, stand.intake)
            #expect(watch.isIdle && watch.take() == nil)
            let partition = TopicPartition(topic, 0)
            for (generation, position) in [(1, Int64(4)), (2, 40)] {
                watch.begin(
                    LogWatch.Job(
                        generation: generation, questions: [LogQuestion(partition: partition, position: position)],
                        rows: []))
                let report = try Self.report(of: watch)
                #expect(report.job.generation == generation && report.problem == nil && report.rows == nil)
                switch report.answers[partition] {
                case .sound(let range, _): #expect(position == 4 && range == Watermarks(low: 0, high: 10))
                case .unsound(let reason, let goOn):
                    #expect(position == 40 && goOn == 0 && reason.contains("the log ends at offset 10"), "\(reason)")
                default: Issue.record("\(position): \(String(describing: report.answers))")
                }
                #expect(watch.isIdle && watch.take() == nil)
            }
            watch.close()
        }
    }

    /// Of what stands still the row is read first: a person may have mended it, and then the log is asked about that.
    @Test func aMendedRowIsWhatTheLogIsAskedAbout() async throws {
        let kafka = try SourceStand(brokers: 1)
        let topic = try kafka.topic(partitions: 1)
        try kafka.fill(topic, 0, with: 0..<10)
        try await onThread {
            let stand = IdleSource(kafka.connection)
            let key = PartitionKey(topic: topic, partition: 0)
            let row = try #require(try stand.intake.claim([key]).first).partition
            stand.database.contents.withLock { $0.rows[key, default: .init()].nextOffset = 7 }
            let watch = LogWatch(kafka.connection, stand.intake)
            let asked = LogQuestion(partition: TopicPartition(topic, 0), position: 40)
            watch.begin(LogWatch.Job(generation: 1, questions: [asked], rows: [row]))
            let report = try Self.report(of: watch)
            #expect(report.rows?.map(\.nextOffset) == [7])
            guard case .sound = report.answers[TopicPartition(topic, 0)] else {
                Issue.record("the question of before was asked: \(report.answers)")
                return
            }
            watch.close()
        }
    }

    @Test func aClusterThatIsAwayIsAnAnswerToo() async throws {
        let nowhere = ConnectionConfiguration(brokers: ["127.0.0.1:1"])
        try await onThread {
            let stand = IdleSource(nowhere)
            let watch = LogWatch(nowhere, stand.intake)
            let partition = TopicPartition("t", 0)
            watch.begin(
                LogWatch.Job(
                    generation: 3, questions: [LogQuestion(partition: partition, position: 1)], rows: []))
            let report = try Self.report(of: watch)
            guard case .unknown = report.answers[partition] else {
                Issue.record("something was made up: \(report)")
                return
            }
            watch.close()
        }
    }
}
