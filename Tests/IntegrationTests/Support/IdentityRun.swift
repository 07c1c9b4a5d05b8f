import Foundation

/// A log in a topic, and what one clean run makes of it: what every other run must make of it too.
final class IdentityLog: Sendable {
    static let partitions = 16

    let stand: KafkaStand
    let log: EventLog
    let topic: String

    /// Generates the events and makes an empty topic for them.
    init(events: Int, seed: Int, stand: KafkaStand? = nil) throws {
        self.stand = try stand ?? KafkaStand()
        log = try EventLog([
            "--events", String(events), "--seed", String(seed), "--bad", "0.01", "--events-per-second", "200",
            "--users", "20000", "--items", "2500",
        ])
        topic = try self.stand.makeTopic(partitions: Self.partitions)
    }

    /// Runs `body` with a log and a name for its databases, and once more with others when the brokers have gone meanwhile.
    ///
    /// Under kills on a busy machine the development broker itself was seen to stop answering and then to be gone; its log is
    /// gone with it, so there is nothing to go on with.
    static func whileBrokersLive(
        _ name: String, events: Int, seed: Int, _ body: (IdentityLog, String) throws -> Void
    ) throws {
        for attempt in 1... {
            let log = try IdentityLog(events: events, seed: seed)
            do {
                return try body(log, "\(name)_\(attempt)")
            } catch  where attempt < 3 && !log.stand.answers {
                FileHandle.standardError.write(
                    Data("IntegrationTests: \(name): the development broker is gone; once more with another\n".utf8))
            }
        }
    }

    /// How many events there are.
    var count: Int { log.events.count }

    /// A writer of the log into the topic.
    func writer(compression: String = "lz4") throws -> EventWriter {
        try EventWriter(log, to: topic, partitions: Self.partitions, of: stand, compression: compression)
    }

    /// Produces everything and checks that the brokers hold exactly that.
    func fill() throws {
        try writer().finish()
        try checkFilled()
    }

    /// Checks that the brokers hold exactly the log.
    func checkFilled() throws {
        let found = try stand.messages(in: topic, partitions: Self.partitions)
        guard found == count else {
            throw MillraceProcess.Failure(description: "\(topic) holds \(found) messages, expected \(count)")
        }
    }

    /// The topology that reads the topic.
    func topology(_ name: String) -> IdentityTopology {
        IdentityTopology(
            source: .kafka(topic: topic, group: "\(topic).\(name)", sessionTimeout: stand.sessionTimeout))
    }

    /// Starts one instance.
    func start(_ topology: IdentityTopology, _ database: TestDatabase) throws -> MillraceProcess {
        try MillraceProcess(
            topology: topology.text,
            environment: ["BROKERS": stand.bootstrapServers, "DATABASE_URL": database.url])
    }

    /// Runs `instances` processes on the filled topic, each started with a topology, until all is read and committed.
    func run(_ name: String, instances: Int = 1, _ vary: (inout IdentityTopology) -> Void = { _ in }) throws
        -> IdentityOutcome
    {
        let database = try TestDatabase("\(name)_\(topic.suffix(8).filter(\.isHexDigit))")
        var topology = topology(name)
        vary(&topology)
        let started = ContinuousClock.now
        let processes = try (0..<instances).map { _ in try start(topology, database) }
        try database.waitUntilRead(count, by: processes)
        try stopInOrder(processes)
        return try IdentityOutcome(
            database, messages: count, notes: "\(instances) instances, \(ContinuousClock.now - started)")
    }
}

/// Ends processes as an operator does, and fails unless each ends well.
/// - Parameter mayGiveUp: whether one may end with records that it has read and not committed, and says so: a stop has a
///   deadline, which a machine that is busy with other things may miss. The next run reads them again.
func stopInOrder(_ processes: [MillraceProcess], mayGiveUp: Bool = false) throws {
    processes.forEach { $0.terminate() }
    for process in processes {
        let exit = try process.wait()
        let gaveUp = mayGiveUp && exit == .code(1) && process.errors.contains("; the next run reads them again")
        guard exit == .code(0) || gaveUp else {
            throw MillraceProcess.Failure(
                description: "millrace ended with \(exit), expected 0; it said: \(process.lastWords)")
        }
    }
}

/// What a run left in its database.
struct IdentityOutcome: Sendable {
    let database: TestDatabase
    let dump: TableDump
    let ledger: Ledger
    /// What the ledger says is wrong.
    let problems: [String]
    let notes: String

    /// - Parameter messages: how many messages were produced; nil when positions are bytes.
    init(
        _ database: TestDatabase, messages: Int?, records: Int? = nil,
        parts: [TableDump.Part] = IdentityTopology.everything, notes: String = ""
    ) throws {
        self.database = database
        self.notes = notes
        dump = try TableDump(of: database, parts)
        ledger = try Ledger(of: database)
        problems = ledger.problems(messages: messages, records: records)
    }
}
