import Foundation
import LocalServices
import Postgres
import Testing

/// A database, a file of events and topologies over it, for tests of whose table is whose.
final class IdentityStand: Sendable {
    let database: TestDatabase
    private let folder: URL

    init(_ name: String, events: Int = 3) throws {
        database = try TestDatabase(name)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-identity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try append(events)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)  // A temporary folder; nothing depends on it.
    }

    private var events: URL { folder.appendingPathComponent("events.ndjson") }

    /// Adds events of one minute and one id, each worth 1.
    func append(_ count: Int) throws {
        let line = #"{"id":"a","v":1,"ts":"2024-02-01T00:00:00Z"}"# + "\n"
        var text = (try? String(contentsOf: events, encoding: .utf8)) ?? ""
        text += String(repeating: line, count: count)
        try Data(text.utf8).write(to: events)
    }

    /// Adds events as they are.
    func append(lines: [String]) throws {
        let before = (try? String(contentsOf: events, encoding: .utf8)) ?? ""
        try Data((before + lines.map { $0 + "\n" }.joined()).utf8).write(to: events)
    }

    /// A topology over the events.
    func topology(
        _ name: String = "t", fields: String = "{ ts: timestamp, id: text, v: integer }", filter: String? = nil,
        sample: String? = nil, window: String = "1m", by: String = "[id]", metrics: String = "{ n: count() }",
        sinks: String = "table: kpi", more: String = ""
    ) -> String {
        """
        topology: \(name)
        nodes:
          events:
            file: "\(events.path)"
          records:
            from: events
            parse_json: { event_time: ts, fields: \(fields) }
        \(filter.map { "  kept:\n    from: records\n    filter: \"\($0)\"" } ?? "")
        \(sample.map { "  some:\n    from: \(filter == nil ? "records" : "kept")\n    sample: \($0)" } ?? "")
          kpi:
            from: \(sample != nil ? "some" : filter == nil ? "records" : "kept")
            summarize: { window: \(window), by: \(by), metrics: \(metrics) }
          out:
            from: kpi
            postgres: { url: "${DATABASE_URL}", \(sinks) }
        \(more)
        """
    }

    /// A second sink, behind the same summary.
    static func sink(_ name: String, _ table: String) -> String {
        "  \(name):\n    from: kpi\n    postgres: { url: \"${DATABASE_URL}\", table: \(table) }"
    }

    /// Runs a topology to its end.
    @discardableResult
    func run(_ text: String, _ arguments: String..., url: String? = nil) throws -> Complaint {
        let process = try MillraceProcess(
            topology: text, arguments: arguments, environment: ["DATABASE_URL": url ?? database.url])
        let exit = try process.wait()
        return Complaint(exit: exit, output: process.output, errors: process.errors)
    }

    /// Runs a topology that must come to a good end.
    func runs(
        _ text: String, _ arguments: String..., url: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Complaint {
        let process = try MillraceProcess(
            topology: text, arguments: arguments, environment: ["DATABASE_URL": url ?? database.url])
        let exit = try process.wait()
        #expect(exit == .code(0), "\(process.errors)", sourceLocation: sourceLocation)
        return Complaint(exit: exit, output: process.output, errors: process.errors)
    }

    /// Executes statements one after the other.
    func sql(_ statements: String...) throws { for statement in statements { _ = try database.query(statement) } }

    /// The events that a table has counted.
    func count(_ table: String = "kpi") throws -> Int64 {
        try database.number("SELECT coalesce(sum(n), 0)::bigint FROM \(table)")
    }

    /// Everything that a refused start must leave as it was.
    func state() throws -> String {
        let found = try database.query(
            """
            SELECT coalesce((SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM millrace.tables t), '')
                || coalesce((SELECT string_agg(p::text, ' ' ORDER BY p::text) FROM millrace.partitions p), '')
                || coalesce((SELECT string_agg(c.oid::regclass::text, ' ' ORDER BY c.oid) FROM pg_class c
                    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace), '')
            """)
        return try found.text(0, 0) ?? ""
    }
}
