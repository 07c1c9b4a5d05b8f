import Dataflow
import EventGenerator
import Foundation
import Kafka
import Platform
import Postgres
import ServiceLifecycle
import Synchronization

/// Sends the demonstration's events to Kafka at the pace of their consumption, and ends when the database has booked
/// them all.
final class DemoDriver: Service {
    /// Where the events go.
    struct Output: Sendable {
        var configuration: ProducerConfiguration
        var topic: String
    }

    /// Events sent and not yet read: the development broker forgets the oldest beyond 5 MiB of a partition, and the most
    /// active player, whose events share one, causes about one event in a hundred.
    private static let lagMax: Int64 = 150_000
    /// How long nothing may happen before the demonstration gives up.
    private static let patience = Duration.seconds(60)
    /// How often to look whether the engine has come further.
    private static let pause: UInt32 = 20_000

    private let feed: EventFeed
    private let output: Output
    private let service: TopologyService
    private let databaseURL: String
    private let isStopping = Atomic(false)
    private let hasEnded = Atomic(false)

    init(feed: EventFeed, output: Output, service: TopologyService, databaseURL: String) {
        self.feed = feed
        self.output = output
        self.service = service
        self.databaseURL = databaseURL
    }

    /// Whether every event was sent and booked.
    var isDone: Bool { hasEnded.load(ordering: .acquiring) }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await onThread(named: "demo feed") { try self.drive() }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
        }
    }

    private func drive() throws {
        do {
            try send()
            if let count = feed.count { try waitUntilBooked(Int64(feed.first + count)) }
            hasEnded.store(true, ordering: .releasing)
        } catch is CancellationError {
            // The end of the service, told by `isDone`.
        }
    }

    private func send() throws {
        var output = try KafkaOutput(output.configuration, topic: output.topic, key: .user)
        var sent: Int64 = 0
        try unsafe feed.run { chunk in
            try waitForRoom(sent)
            try unsafe output.write(chunk)
            sent = Int64(output.messages)
        }
        try output.close()
    }

    /// Events the topology has read, committed or not.
    private var read: Int64 {
        let progress = service.pipeline.progress()
        return progress.records + progress.uncommitted
    }

    private func waitForRoom(_ sent: Int64) throws {
        try wait(for: { sent - read < Self.lagMax }) {
            "the topology has read \(read) of \(sent) events and goes no further"
        }
    }

    /// Waits until the ledger says that all events up to `count` were read.
    private func waitUntilBooked(_ count: Int64) throws {
        // The tables are there once something was read.
        try wait(for: { service.pipeline.progress().records > 0 }) { "the topology reads nothing" }
        var connection = try Connection.connect(ConnectionSettings(url: databaseURL), deadline: .now + .seconds(10))
        var booked: Int64 = 0
        try wait(for: {
            booked = try Self.booked(&connection)
            return booked >= count
        }) { "the ledger holds \(booked) of \(count) events and grows no further" }
    }

    private static func booked(_ connection: inout Connection) throws -> Int64 {
        let answer = try connection.query("SELECT coalesce(sum(read), 0)::bigint FROM millrace.partitions")
        return try answer.int64(0, 0) ?? 0
    }

    /// Looks again and again; gives up when the engine stands still.
    private func wait(for isReached: () throws -> Bool, otherwise complaint: () -> String) throws {
        var last: Int64 = -1
        var changed = ContinuousClock.now
        while true {
            if isStopping.load(ordering: .relaxed) { throw CancellationError() }
            if try isReached() { return }
            let records = read
            if records != last { (last, changed) = (records, .now) }
            guard .now - changed < Self.patience else { throw DemoShow.Failure(description: complaint()) }
            usleep(Self.pause)
        }
    }
}
