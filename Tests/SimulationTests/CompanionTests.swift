import Dataflow
import DataflowTesting
import Logging
import Synchronization
import Testing

/// What lives beside the batches of a node, and what a pipeline tells of its parts.
@Suite struct CompanionTests {
    private struct Accompanied: Operator {
        let life: Life
        func makeWorker(in slot: StageSlot) -> any OperatorWorker { TallyOperator().makeWorker(in: slot) }
        var companion: (any Companion)? { life }
    }

    /// A companion that does as a test says, and what happened in which order.
    private final class Life: Companion {
        let events = Mutex<[String]>([])
        private let preparation: @Sendable (CommitContext) throws -> Void

        init(_ preparation: @escaping @Sendable (CommitContext) throws -> Void) { self.preparation = preparation }

        func note(_ event: String) { events.withLock { $0.append(event) } }

        func prepare(_ context: CommitContext) throws {
            try preparation(context)
            note("prepared")
        }

        func run(_ context: CommitContext) throws {
            while !context.isCancelled { try context.pause(.milliseconds(1)) }
        }
    }

    /// A source that notes when it begins.
    private final class NotedSource: Source {
        let source: ModelSource
        let life: Life

        init(_ source: ModelSource, _ life: Life) { (self.source, self.life) = (source, life) }

        func run(_ intake: Intake) throws {
            life.note("source")
            try source.run(intake)
        }

        func close(_ intake: Intake) { source.close(intake) }
        var status: SourceStatus { source.status }
    }

    private struct Broken: Error {}

    private static let log = ModelLog(partitions: 3, records: 200, seed: 4)

    private static func start(
        _ life: Life, _ database: ModelDatabase,
        logger: Logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    ) -> SimulatedPipeline {
        let source = ModelSource(log: log, seed: 4)
        source.give(.assign(log.partitions.keys.sorted()))
        return SimulatedPipeline(
            sources: [NotedSource(source, life)],
            target: ModelTarget(database: database, seed: 4, faultPercent: 0), node: Accompanied(life: life),
            workers: 2,
            logger: logger)
    }

    @Test func noSourceBeginsBeforeItIsPrepared() async throws {
        let life = Life { context in
            // Time enough for a source that does not wait.
            for _ in 0..<20 { try context.pause(.milliseconds(1)) }
        }
        let database = ModelDatabase()
        let run = Self.start(life, database)
        try await Eventually.wait(for: "everything to be committed", progress: { database.progress }) {
            database.holds(Self.log)
        }
        try await run.stop()
        #expect(life.events.withLock { $0 } == ["prepared", "source"])
        database.expect(Self.log)
    }

    @Test func onePreparationThatFailsIsTheEnd() async throws {
        let life = Life { _ in throw Broken() }
        let database = ModelDatabase()
        let run = Self.start(life, database)
        await #expect(throws: Broken.self) { try await run.end() }
        #expect(database.positions.values.allSatisfy { $0 == 0 } && database.table.isEmpty)
    }

    @Test func aStopEndsAPreparationThatWaits() async throws {
        let life = Life { context in
            context.report(trouble: "the table is not there")
            while true { try context.pause(.milliseconds(1)) }
        }
        let run = Self.start(life, ModelDatabase())
        try await Eventually.wait(for: "the trouble to be shown") {
            run.pipeline.progress().troubles == ["tally0: the table is not there"]
        }
        try await run.stop()
        #expect(!life.events.withLock { $0 }.contains("prepared"))
        #expect(run.pipeline.progress().troubles.isEmpty)
    }

    private final class SharedReasons: Sendable { let reasons = Mutex<[String]>([]) }

    /// Keeps what is logged of a node that waits.
    private struct Reasons: LogHandler {
        let said: SharedReasons
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            guard "\(event.message)".hasPrefix("A node") else { return }
            said.reasons.withLock { $0.append(event.metadata?["reason"].map { "\($0)" } ?? "over") }
        }
    }

    @Test func everyReasonToWaitIsSaidOnce() async throws {
        let said = SharedReasons()
        let life = Life { context in
            for trouble in ["locked", "locked", "away", nil, nil, "locked"] { context.report(trouble: trouble) }
        }
        let database = ModelDatabase()
        let run = Self.start(life, database, logger: Logger(label: "reasons") { _ in Reasons(said: said) })
        try await Eventually.wait(for: "everything to be committed", progress: { database.progress }) {
            database.holds(Self.log)
        }
        try await run.stop()
        #expect(said.reasons.withLock { $0 } == ["locked", "away", "over", "locked"])
    }

    @Test func whatAPipelineTellsOfItsPartsAddsUp() async throws {
        let database = ModelDatabase()
        let run = Self.start(Life { _ in }, database)
        try await Eventually.wait(for: "everything to be committed", progress: { database.progress }) {
            database.holds(Self.log)
        }
        try await run.stop()
        let snapshot = run.pipeline.progress()
        #expect(snapshot.sources.map(\.name) == ["model0"] && snapshot.nodes.map(\.name) == ["tally0"])
        // What was counted took time, and all of it is done.
        #expect(snapshot.nodes[0].busy > .zero && snapshot.nodes[0].waiting == 0)
        #expect(snapshot.partitions.count == 3)
        for partition in snapshot.partitions {
            let count = Int64(try #require(Self.log.partitions[partition.key]).count)
            #expect(partition.committed == count && partition.next == count && partition.pending == 0)
            #expect(partition.source == "model0")
        }
    }
}
