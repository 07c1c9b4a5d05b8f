import Postgres
import Testing

@testable import Dataflow
@testable import Nodes

/// Tables that somebody empties, exchanges or rewrites while they are written.
@Suite struct TableWatchTests {
    @Test(arguments: [
        (["TRUNCATE kpi"], "it was emptied"),
        (
            ["ALTER TABLE kpi RENAME TO old", "CREATE TABLE kpi (LIKE old INCLUDING ALL)"],
            "another table has taken its name"
        ),
        (
            ["DROP TABLE kpi", "CREATE TABLE kpi (country text, events bigint, group_key bytea PRIMARY KEY)"],
            "another table has taken its name"
        ),
    ])
    func aTableThatLosesItsRowsIsNotWrittenOn(statements: [String], expected: String) async throws {
        let stand = try TargetStand("watch_\(statements.count)_\(expected.count)_\(statements[0].count)")
        try await onThread {
            let instance = try stand.instance()
            #expect(try instance.commit(["NO", "SE"]) == .committed)
            for statement in statements { try stand.execute(statement) }
            let error = #expect(throws: SinkError.self) { try instance.commit(["NO"]) }
            #expect(error?.code == .historyMismatch)
            #expect(
                error?.description.contains("table public.kpi: \(expected) while it was written") == true, "\(error!)")
            #expect(try stand.number("SELECT count(*) FROM kpi") == 0)
            #expect(try stand.number("SELECT sum(read)::bigint FROM millrace.partitions") == 2)
        }
    }

    @Test func aTableThatIsRewrittenWithItsRowsIsWrittenOn() async throws {
        let stand = try TargetStand("watch_rewritten")
        try await onThread {
            let instance = try stand.instance()
            // Emptied before it had any rows: nothing is lost.
            try stand.execute("TRUNCATE kpi")
            #expect(try instance.commit(["NO", "SE"]) == .committed)
            for statement in [
                "VACUUM FULL kpi", "ALTER TABLE kpi ALTER COLUMN country TYPE varchar", "CLUSTER kpi USING kpi_pkey",
            ] {
                try stand.execute(statement)
                #expect(try instance.commit(["NO"]) == .committed, "\(statement)")
            }
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 5)
        }
    }
}
