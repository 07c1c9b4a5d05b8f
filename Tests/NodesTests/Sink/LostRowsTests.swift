import Platform
import Postgres
import Synchronization
import Testing

@testable import Dataflow
@testable import Nodes

/// What the database swallows or redirects without an error is an error of ours, and nothing is committed.
@Suite struct LostRowsTests {
    /// What the second commit, which meets the row of DE and makes that of FR, is told.
    private static func complaint(_ name: String, _ sql: String, reasons: [String] = []) async throws -> String {
        try await onThread {
            let stand = try TargetStand(name)
            let instance = try stand.instance()
            #expect(try instance.commit(["DE"]) == .committed)
            try stand.execute(sql)
            var complaint = ""
            do {
                let outcome = try instance.commit(["DE", "FR"], reasons: reasons)
                Issue.record("the commit ended with \(outcome)")
            } catch let error as SinkError { complaint = error.description }
            // Nothing moved.
            #expect(try stand.number("SELECT sum(events)::bigint FROM ONLY kpi") == 1)
            #expect(try stand.number("SELECT next_offset FROM millrace.partitions") == 1)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
            return complaint
        }
    }

    private static func trigger(_ events: String, _ table: String, _ body: String = "RETURN NULL;") -> String {
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(body) END $$;"
            + "CREATE TRIGGER quiet BEFORE \(events) ON \(table) FOR EACH ROW EXECUTE FUNCTION swallow()"
    }

    @Test func aTriggerThatSwallowsUpdates() async throws {
        let complaint = try await Self.complaint("lost_update", Self.trigger("UPDATE", "kpi"))
        #expect(complaint.contains("kpi") && complaint.contains("1 of 1 row(s) were not updated"), "\(complaint)")
        #expect(complaint.contains("trigger quiet (function swallow)"), "\(complaint)")
    }

    @Test func aTriggerThatSwallowsInserts() async throws {
        let complaint = try await Self.complaint("lost_insert", Self.trigger("INSERT", "kpi"))
        #expect(
            complaint.contains("1 of 1 row(s) were not inserted") && complaint.contains("trigger quiet"), "\(complaint)"
        )
    }

    /// Partitioning as it was before PostgreSQL 10: rows are found again through the parent, and must not count twice.
    @Test func aTriggerThatPutsRowsElsewhere() async throws {
        let complaint = try await Self.complaint(
            "lost_redirected",
            "CREATE TABLE child (PRIMARY KEY (group_key)) INHERITS (kpi);"
                + Self.trigger("INSERT", "kpi", "INSERT INTO child VALUES (NEW.*); RETURN NULL;"))
        #expect(complaint.contains("not inserted") && complaint.contains("trigger quiet"), "\(complaint)")
    }

    @Test func aTriggerThatChangesTheKey() async throws {
        let complaint = try await Self.complaint(
            "lost_key", Self.trigger("INSERT", "kpi", "NEW.group_key = 'x'; RETURN NEW;"))
        #expect(complaint.contains("not inserted") && complaint.contains("trigger quiet"), "\(complaint)")
    }

    @Test func aRuleInsteadOfUpdates() async throws {
        try await onThread {
            let stand = try TargetStand("lost_rule")
            let instance = try stand.instance()
            #expect(try instance.commit(["DE"]) == .committed)
            try stand.execute("CREATE RULE deaf AS ON UPDATE TO kpi DO INSTEAD NOTHING")
            let error = #expect(throws: SinkError.self) { try instance.commit(["DE"]) }
            #expect(error?.description.contains("rule deaf") == true, "\(error?.description ?? "")")
            #expect(try stand.number("SELECT next_offset FROM millrace.partitions") == 1)
        }
    }

    @Test func deadLettersAndPositionsAreLookedAtToo() async throws {
        let letters = try await Self.complaint(
            "lost_letters", Self.trigger("INSERT", "millrace.dead_letters"), reasons: ["bad"])
        #expect(letters.contains("millrace.dead_letters") && letters.contains("trigger quiet"), "\(letters)")
        let positions = try await Self.complaint("lost_positions", Self.trigger("UPDATE", "millrace.partitions"))
        #expect(positions.contains("millrace.partitions") && positions.contains("trigger quiet"), "\(positions)")
    }

    @Test func aPartitionedTableIsWritten() async throws {
        try await onThread {
            let stand = try TargetStand("partitioned")
            try stand.execute(
                """
                CREATE TABLE kpi (country text COLLATE "C", events bigint NOT NULL, group_key bytea PRIMARY KEY)
                    PARTITION BY HASH (group_key);
                CREATE TABLE kpi_0 PARTITION OF kpi FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                CREATE TABLE kpi_1 PARTITION OF kpi FOR VALUES WITH (MODULUS 2, REMAINDER 1)
                """)
            let instance = try stand.instance()
            let countries = (0..<40).map { "c\($0)" }
            for _ in 0..<3 { #expect(try instance.commit(countries) == .committed) }
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 120)
            #expect(try stand.number("SELECT count(*) FROM kpi_0") < 40)
        }
    }

    /// Somebody writes the same new row without a ticket: it is merged into at the next try.
    @Test func aRowThatComesIntoBeingMeanwhileIsMergedInto() async throws {
        try await onThread {
            let stand = try TargetStand("lost_race")
            let group = Box(try stand.instance())
            var other = try stand.connect()
            try other.execute("BEGIN; INSERT INTO kpi (country, events, group_key) VALUES ('FR', 5, '\\x01465200')")
            let outcome = Mutex<Result<CommitOutcome, any Error>?>(nil)
            let committing = try JoinableThread(name: "commit") {
                let ended = Result { try group.value.commit(["FR"]) }
                outcome.withLock { $0 = ended }
            }
            let isWaiting = Result {
                try eventually("the commit does not wait") {
                    try stand.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'") > 0
                }
            }
            // Also when it does not: the thread waits for it.
            try other.execute("COMMIT")
            committing.join()
            try isWaiting.get()
            #expect(try outcome.withLock { try $0?.get() } == .committed)
            #expect(try stand.number("SELECT events FROM kpi WHERE country = 'FR'") == 6)
        }
    }
}
