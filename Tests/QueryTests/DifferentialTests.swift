import Foundation
import Platform
import Postgres
import Testing

/// Random topologies over random events: what the engine writes into their tables must be what Postgres answers when it is
/// asked the query that `millrace sql` prints.
///
/// A failure shows its seed and its file. `MILLRACE_TOPOLOGIES=1000` runs that many, `MILLRACE_TOPOLOGY=17` the one of this
/// seed.
@Suite(.serialized) struct DifferentialTests {
    private static let environment = ProcessInfo.processInfo.environment

    /// The seeds of a run.
    private static var seeds: Range<UInt64> {
        if let one = environment["MILLRACE_TOPOLOGY"].flatMap({ UInt64($0) }) { return one..<one + 1 }
        return 0..<(environment["MILLRACE_TOPOLOGIES"].flatMap { UInt64($0) } ?? 300)
    }

    @Test func tablesHoldWhatPostgresMakesOfTheEvents() async throws {
        let seeds = Self.seeds
        let outcomes = try await onThread(named: "differential") {
            let stand = try DifferentialStand("differential")
            var outcomes: [DifferentialStand.Outcome] = []
            for seed in seeds where outcomes.count(where: { $0.problem != nil }) < 5 {
                outcomes.append(stand.run(seed: seed))
            }
            return outcomes
        }
        for outcome in outcomes {
            guard let problem = outcome.problem else { continue }
            Issue.record("seed \(outcome.seed): \(problem)\n\(outcome.topology)\n\(outcome.query)")
        }
        // Not all of nothing.
        let rows = outcomes.reduce(0) { $0 + $1.rows }
        #expect(seeds.count == 1 || rows > seeds.count * 10, "\(rows) rows")
    }

    /// Elements of one moment in three arrays come in the order in which they stand in their document.
    @Test func elementsOfArraysInArraysHaveAnOrder() async throws {
        let outcome = try await onThread(named: "differential") {
            let stand = try DifferentialStand("nested")
            let document =
                #"{"ts":"2026-01-01T00:00:00Z","a":[{"b":[{"c":[{"v":2}]},{"c":[{"v":3},{"v":4}]}]},{"b":[{"c":[{"v":9}]}]}]}"#
            let file = try stand.file(named: "nested.ndjson", document + "\n")
            let text = """
                topology: nested
                nodes:
                  events: { file: "\(file)" }
                  records:
                    from: events
                    parse_json: { each: "a[].b[].c", event_time: ts, fields: { ts: { path: ^^^.ts, type: timestamp }, v: integer } }
                  kpi: { from: records, summarize: { metrics: { first: first(v), last: last(v), n: count() } } }
                  out: { from: kpi, postgres: { url: "${DATABASE_URL}", table: nested } }
                """
            var outcome = DifferentialStand.Outcome(seed: 0, topology: text)
            let event = RandomEvent(text: document, isJSON: true)
            try stand.compare(text, [RandomTopology.Source(node: "events", events: [event])], &outcome)
            return outcome
        }
        #expect(outcome.problem == nil && outcome.rows == 1, "\(outcome.problem ?? "")\n\(outcome.query)")
    }

    /// The canary: a table that lacks a row is found out.
    @Test func aDeletedRowIsFound() async throws {
        let outcomes = try await onThread(named: "differential") {
            let stand = try DifferentialStand("canary")
            return (0..<12).map { seed in
                stand.run(seed: seed) { connection, table in
                    try connection.execute("DELETE FROM \(table) WHERE ctid = (SELECT min(ctid) FROM \(table))")
                }
            }
        }
        for outcome in outcomes {
            #expect(outcome.problem?.contains("the table lacks it") ?? (outcome.rows == 0), "\(outcome.topology)")
        }
        #expect(outcomes.count { $0.problem != nil } > 6)
    }
}
