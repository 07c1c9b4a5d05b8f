import Foundation
import Kafka
import Testing

/// Topologies whose dead letters are replayed: a file or a topic of events, a first version of the topology, which cannot
/// use some of them, and a mended one.
final class ReplayStand: Sendable {
    static let tables: [TableDump.Part] = [
        .summary("countries", hasWindow: true), .summary("total", hasWindow: false), .deadLetters, .ledger,
    ]
    static let summaries: [TableDump.Part] = [
        .summary("countries", hasWindow: true), .summary("total", hasWindow: false),
    ]

    let folder: TopologyFolder
    let database: TestDatabase
    /// The path of the file of events.
    let events: String
    /// The source, in one line.
    let source: String
    let brokers: String

    /// - Parameter source: a source of another kind; a file of events if nil.
    init(_ name: String, source: String? = nil, brokers: String = "", events: [String] = []) throws {
        folder = try TopologyFolder()
        database = try TestDatabase(name)
        self.events = try folder.file(named: "events.ndjson", events.map { $0 + "\n" }.joined())
        self.source = source ?? "file: \"\(self.events)\""
        self.brokers = brokers
    }

    /// A topology with two tables; `mended` takes numbers that are written as text.
    func text(mended: Bool, source: String? = nil, filter: String = "amount >= 0", summary: String = "") -> String {
        """
        topology: replayed
        commit_interval: 10ms
        nodes:
          events: { \(source ?? self.source) }
          records:
            from: events
            parse_json:
              accept: \(mended ? "text" : "json")
              event_time: ts
              fields: { ts: timestamp, country: text, amount: integer, user: text }
          wanted: { from: records, filter: "\(filter)" }
          by_country:
            from: wanted
            summarize:
              window: 1m
              \(summary)
              by: [country]
              metrics:
                n: count()
                amount: sum(amount)
                users: uniques(user)
                one: first(user)
                p: percentiles(amount, 50)
          countries: { from: by_country, postgres: { url: "${DATABASE_URL}", table: countries } }
          all: { from: records, summarize: { metrics: { n: count(), users: uniques(user), last: last(user) } } }
          total: { from: all, postgres: { url: "${DATABASE_URL}", table: total } }
        """
    }

    /// Events of which each 50th has its amount as text, each 97th is cut, and each 7th is of XX.
    static func events(_ count: Int, from first: Int = 0) -> [String] {
        (first..<(first + count)).map { number in
            if number % 97 == 5 { return "{\"cut\": " }
            let amount = number % 50 == 7 ? "\"\(number % 31)\"" : "\(number % 31)"
            let country = number % 7 == 3 ? "XX" : ["DE", "FR", "JP"][number % 3]
            let minute = String(number / 500 % 60 + 100).dropFirst()
            return "{\"ts\":\"2026-01-01T00:\(minute):00Z\",\"country\":\"\(country)\",\"amount\":\(amount),"
                + "\"user\":\"u\(number % 333)\"}"
        }
    }

    private func environment(_ database: TestDatabase? = nil) -> [String: String] {
        ["DATABASE_URL": (database ?? self.database).url, "BROKERS": brokers]
    }

    func start(_ text: String, _ arguments: [String] = [], in database: TestDatabase? = nil) throws -> MillraceProcess {
        let file = try folder.file(named: "\(UUID().uuidString).yaml", text)
        return try MillraceProcess(
            ["run", file, "--progress", "none"] + arguments, environment: environment(database))
    }

    /// Runs a topology over files to its end.
    func run(_ text: String, _ arguments: [String] = [], in database: TestDatabase? = nil) throws {
        let process = try start(text, arguments, in: database)
        let exit = try process.wait(within: .seconds(120))
        guard exit == .code(0) else { throw MillraceProcess.Failure(description: "\(exit): \(process.lastWords)") }
    }

    func startReplay(_ text: String, _ arguments: [String] = ["--all"]) throws -> MillraceProcess {
        let file = try folder.file(named: "\(UUID().uuidString).yaml", text)
        return try MillraceProcess(
            ["dead-letters", "replay", "replayed", "--file", file, "--json"] + arguments, environment: environment())
    }

    struct Answer: Decodable, Equatable {
        struct Count: Decodable, Equatable {
            var reason: String
            var count: Int64
        }
        var letters: Int64
        var applied: Int64
        var filtered: Int64
        var failed: [Count]
        var untouched: [Count]
    }

    static func answer(of process: MillraceProcess) throws -> Answer {
        let exit = try process.wait(within: .seconds(120))
        guard exit == .code(0) else { throw MillraceProcess.Failure(description: "\(exit): \(process.lastWords)") }
        return try JSONDecoder().decode(Answer.self, from: Data(process.output.utf8))
    }

    func replay(_ text: String, _ arguments: [String] = ["--all"]) throws -> Answer {
        try Self.answer(of: startReplay(text, arguments))
    }

    /// Runs a topology with a constraint on its first table that nobody has any more afterwards.
    func runRefusing(_ text: String, _ country: String = "XX") throws {
        try run(text.replacing(source, with: "file: \"\(try folder.file(named: "nothing", ""))\""))
        _ = try database.query("ALTER TABLE countries ADD CONSTRAINT known CHECK (country <> '\(country)')")
        try run(text)
        _ = try database.query("ALTER TABLE countries DROP CONSTRAINT known")
    }

    /// Checks that the database is what a run of the mended topology over the same events makes.
    func expectCleanRun(_ text: String, _ clean: TestDatabase, sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        try run(text, in: clean)
        let differences = try TableDump(of: database, Self.tables).differences(from: TableDump(of: clean, Self.tables))
        #expect(differences.isEmpty, "\(differences)", sourceLocation: sourceLocation)
    }
}
