import Foundation
import Platform
import Testing

@testable import Millrace

/// `millrace explain`: the plan, and what a sample says of it.
@Suite struct ExplainTests {
    private static let topology = """
        topology: t
        nodes:
          events: { kafka: { brokers: "b:9092", topics: [t] } }
          records: { from: events, parse_json: { event_time: ts, fields: { ts: timestamp, k: text, user: text } } }
          some: { from: records, filter: "k <> 'x'", concurrency: 2 }
          kpi:
            from: some
            summarize:
              windows: [1m, 1h]
              rollup: [k]
              metrics: { n: count(), users: uniques(user) }
          out: { from: kpi, postgres: { url: "postgresql://h/d", table: kpi } }
        """

    private static func load() throws -> PlanReport {
        try PlanReport(#require(TopologyLoader(environment: [:]).load(text: topology, from: "t.yaml").topology))
    }

    @Test func thePlanSaysWhatIsParsedHashedSharedAndMerged() throws {
        let text = try Self.load().text
        for line in [
            "records <- events",
            "  parses 3 fields of each document, and skips all others: ts timestamp, k text, user text",
            "  dead letter without ts", "  hashes user once, for all behind it that need it",
            "  a stage of its own, on up to 2 threads, behind a mailbox of batches",
            "  finds the group by k", "  makes () of these groups at each commit, not per record",
            "  keeps users: uniques(user text, standard), merged by users_sketch, users_values",
            "  merges all rows into table kpi, in the transaction that moves the positions",
        ] { #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)\n\(text)") }
    }

    /// Nodes that group alike are counted as one; what is a stage of its own is not.
    @Test func sharedWorkIsExplained() throws {
        let text =
            Self.topology + """

                  again: { from: some, summarize: { windows: [1m, 1h], rollup: [k], metrics: { people: uniques(user), n: count(user) } } }
                  hourly: { from: some, summarize: { window: 1h, by: [], metrics: { n: count() } } }
                  apart: { from: some, concurrency: 1, summarize: { windows: [1m, 1h], rollup: [k], metrics: { n: count() } } }
                  more: { from: again, postgres: { url: "postgresql://h/d", table: again } }
                  totals: { from: hourly, postgres: { url: "postgresql://h/d", table: hourly } }
                  others: { from: apart, postgres: { url: "postgresql://h/d", table: apart } }
                """
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = try PlanReport(#require(found.topology, "\(found.diagnostics)")).text
        let nodes = plan.components(separatedBy: "\n\n")
        func lines(_ node: String) -> [Substring] {
            nodes.first { $0.hasPrefix(node + " <-") }?.split(separator: "\n") ?? []
        }
        #expect(lines("kpi").contains("  counts for again, hourly too"), "\(plan)")
        #expect(lines("kpi").contains("  of 5 metrics 3 are different, and kept once each"), "\(plan)")
        #expect(lines("again").contains("  its groups are those of kpi, counted once"), "\(plan)")
        #expect(
            lines("hourly").contains("  its groups are made of those of kpi at each commit, not per record"), "\(plan)")
        #expect(!lines("apart").isEmpty && !lines("apart").contains { $0.contains("its groups are") }, "\(plan)")
    }

    @Test func permitsThatProcessesShareAreExplained() throws {
        let text = Self.topology.replacing("concurrency: 2", with: "cluster_concurrency: 3")
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = try PlanReport(#require(found.topology, "\(found.diagnostics)")).text
        for line in [
            "  a stage of its own, on up to 3 threads, behind a mailbox of batches",
            "  at most 3 batches at once in all processes together, by permits that the database lends",
        ] { #expect(plan.split(separator: "\n").contains(Substring(line)), "\(line)\n\(plan)") }
    }

    /// Who keeps clocks sees batches in order; what is behind it is a stage of its own.
    @Test func boundsOfEventTimeAreExplained() throws {
        let text = Self.topology.replacing("metrics: {", with: "too_late: 7d\n      too_early: 10m\n      metrics: {")
            .replacing(", concurrency: 2", with: "")
        let found = TopologyLoader(environment: [:]).load(text: text, from: "t.yaml")
        let plan = try PlanReport(#require(found.topology, "\(found.diagnostics)")).text
        let nodes = plan.components(separatedBy: "\n\n")
        func says(_ node: String, _ line: String) -> Bool {
            nodes.contains { $0.hasPrefix(node + " <-") && $0.split(separator: "\n").contains("  " + line) }
        }
        #expect(
            says(
                "records", "one batch at a time, in the order in which they were read, to keep the clocks of partitions"
            ),
            "\(plan)")
        #expect(says("some", "a stage of its own, on all threads, behind a mailbox of batches"), "\(plan)")
        #expect(says("kpi", "on the thread of its input, one call after the other"), "\(plan)")
        #expect(
            says(
                "kpi",
                "refuses a record unless the event time is at most 10m ahead of the clock of its partition, "
                    + "at most 7d behind it"
            ), "\(plan)")
    }

    /// Two minutes of one hour, three values of `k`: 8 rows by the minute, 4 by the hour.
    @Test func aSampleGivesRowsAndBytes() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "explain-\(UUID().uuidString).ndjson")
        defer { try? FileManager.default.removeItem(at: path) }
        let lines = (0..<600).map { index in
            "{\"ts\": \"2026-01-01T00:0\(index % 2):00Z\", \"k\": \"\("abc".dropFirst(index % 3).prefix(1))\", \"user\": \"u\(index)\"}"
        }
        try Data((lines + ["{}"]).joined(separator: "\n").utf8).write(to: path)
        let loaded = TopologyLoader(environment: [:]).load(text: Self.topology, from: "t.yaml").topology
        let estimate = try SampleEstimate(try #require(loaded), events: [path.path()], lookups: [])
        try await estimate.run()
        let rows = estimate.text.split(separator: "\n").map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let hour = try #require(rows.first { $0.count == 8 && $0[1] == "1h" })
        let minute = try #require(rows.first { $0.count == 8 && $0[1] == "1m" })
        #expect(hour[2...4] == ["4", "1", "4.0"] && hour[6] == "96.0")
        #expect(minute[2...4] == ["8", "2", "4.0"] && minute[6] == "5760")
        let bytes = try #require(Int(minute[5]))
        #expect((150...1_500).contains(bytes), "\(bytes)")
        #expect(estimate.text.contains("From 601 records of the sample, 1 of them dead letters."))
    }
}
