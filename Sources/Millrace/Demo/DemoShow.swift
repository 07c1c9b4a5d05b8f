import Declaration
import EventGenerator
import Foundation
import Kafka
import LocalServices
import Logging
import Nodes
import Platform
import ServiceLifecycle

/// What `millrace demo` does: the stage, the play, the reading of the tables, and the clearing away.
struct DemoShow: Sendable {
    /// A signal came before every event was in the tables.
    struct Interrupted: Error {}

    /// Something is not as it must be; the sentence says what.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// topologies/game_kpis.yaml as it was when this program was built.
    static var topologyText: String { String(decoding: PackageResources.game_kpis_yaml, as: UTF8.self) }
    static let topic = "game.events"
    /// How long event time runs, whatever the number of events: the tables are to have several windows.
    static let eventSeconds: UInt64 = 600

    let events: UInt64
    let seed: UInt64
    let badShare: Double
    let partitions: Int
    let goesOn: Bool

    /// Runs the demonstration to its end and leaves nothing behind.
    /// - Throws: ``Interrupted``, ``Failure``, or what a service, the topology or the producer says.
    func run() async throws {
        let clock = ContinuousClock()
        let started = clock.now
        say("Starting a private Postgres and the development broker ...")
        let stage = try await onThread(named: "demo") { try DemoStage(topic: Self.topic, partitions: partitions) }
        do {
            say(stage.description)
            let streaming = clock.now
            try await play(stage)
            let ended = clock.now
            try await onThread(named: "demo") {
                let report = DemoReport(databaseURL: stage.databaseURL)
                try report.show()
                try report.check(produced: events)
            }
            say(summary(startup: streaming - started, streaming: ended - streaming, total: clock.now - started))
            say(goesOn ? stage.invitation : DemoShow.nextSteps)
            if goesOn { try await playOn(stage) }
        } catch {
            await clear(stage)
            throw error
        }
        await clear(stage)
    }

    private func clear(_ stage: DemoStage) async {
        // Nothing is thrown in there.
        try? await onThread(named: "demo") { stage.stop() }
    }

    /// Sends the events through the topology until the database has booked all of them.
    private func play(_ stage: DemoStage) async throws {
        say("Sending \(grouped(events)) events through topology game_kpis:")
        let service = try makeService(stage)
        let driver = DemoDriver(
            feed: feed(from: 0, count: events), output: stage.output, service: service,
            databaseURL: stage.databaseURL)
        try await TopologyService.runAll([service], driver: driver, logger: logger)
        guard driver.isDone else { throw Interrupted() }
    }

    /// Starts the topology again, which goes on where it stopped, and feeds it slowly until a signal comes.
    private func playOn(_ stage: DemoStage) async throws {
        // The development broker notices only after the session's 45 s that the member before has left its group, so
        // this one joins another. Where it goes on stands in Postgres, and depends on no group.
        let service = try makeService(stage, group: "millrace.game_kpis.on")
        var feed = feed(from: events, count: nil)
        feed.rate = 1_000
        let driver = DemoDriver(feed: feed, output: stage.output, service: service, databaseURL: stage.databaseURL)
        try await TopologyService.runAll([service], driver: driver, logger: logger)
        say("Stopped; nothing is left running.")
    }

    /// - Parameter group: the consumer group; the topology's own unless given.
    private func makeService(_ stage: DemoStage, group: String? = nil) throws -> TopologyService {
        let loader = TopologyLoader(environment: stage.environment)
        let (topology, diagnostics) = loader.load(text: Self.topologyText, from: "game_kpis.yaml")
        guard var topology else { throw Failure(description: "\(diagnostics)") }
        for index in topology.sources.indices {
            guard let group, var plan = topology.sources[index].plan as? KafkaPlan else { continue }
            plan.configuration.group = group
            topology.sources[index].plan = plan
        }
        return try TopologyService(topology, overrides: .init(), progress: .auto, logger: logger)
    }

    private func feed(from first: UInt64, count: UInt64?) -> EventFeed {
        let options = GameEvents.Options(
            seed: seed, eventsPerSecond: max(1, events / Self.eventSeconds),
            malformedShare: GameEvents.Options.malformedShare(of: badShare))
        return EventFeed(generator: GameEvents(options), first: first, count: count)
    }

    /// On a terminal warnings only, beside the progress line; elsewhere the log is the progress.
    private var logger: Logger {
        Logger(label: "millrace") { _ in
            var handler = PlainLogHandler()
            handler.logLevel = ProgressStyle.auto.resolved == .line ? .warning : .info
            return handler
        }
    }

    private func summary(startup: Duration, streaming: Duration, total: Duration) -> String {
        let rate = Double(events) / (streaming / .seconds(1))
        return """
            \(grouped(events)) events in \(seconds(streaming)) (\(grouped(UInt64(rate))) a second: generator, broker, \
            engine and Postgres together), each booked exactly once.
            Total \(seconds(total)), \(seconds(startup)) of it for starting Postgres and the broker.
            """
    }

    private static var nextSteps: String {
        let program = programShown
        return """

            What next:
              \(program) demo --keep
                  the same, and keeps running: look at the tables while they change
              \(program) check topologies/game_kpis.yaml
                  the topology behind these tables; change it, check it
              KAFKA_BROKERS=host:9092 DATABASE_URL=postgresql://user@host/db \(program) run topologies/game_kpis.yaml
            """
    }

    /// How this program is called from here: by the path it was started with, below the working directory if it is there.
    private static var programShown: String {
        let path = CommandLine.arguments.first ?? "millrace"
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }

    private func seconds(_ duration: Duration) -> String {
        "\((duration / .seconds(1)).formatted(.number.precision(.fractionLength(1)).locale(.init(identifier: "en_US")))) s"
    }

    private func grouped(_ number: UInt64) -> String { ProgressReporter.count(Int64(number)) }

    private func say(_ text: String) { StandardError.write(text) }
}
