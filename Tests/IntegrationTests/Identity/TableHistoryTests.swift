import Kafka
import Postgres
import Testing

/// A table that holds less, or more, than its topology's positions say.
@Suite struct TableHistoryTests {
    @Test func aTableThatIsGoneIsNotMadeAnewInSilence() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_dropped")
            _ = try stand.runs(stand.topology())
            try stand.sql("DROP TABLE kpi")
            let before = try stand.state()
            let complaint = try stand.run(stand.topology())
            complaint.expect(.code(1), "table public.kpi: it is gone", "has read 3 events", "3 read, 3 applied")
            complaint.expect(.code(1), "millrace run FILE --from-now")
            #expect(try stand.state() == before)

            let accepted = try stand.runs(stand.topology(), "--from-now")
            #expect(accepted.errors.contains("WARNING"))
            try stand.append(2)
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 2)
            #expect(
                try stand.database.number(
                    "SELECT (complete_from->'rows'->>'events_before')::bigint FROM millrace.tables") == 3)
        }
    }

    /// A file may hold the events of the topic that it takes the place of.
    @Test func anotherKindOfSourceIsNotGoneOnWith() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_source")
            let kafka = try KafkaStand()
            let topic = try kafka.makeTopic(partitions: 1)
            var producer = try Producer(ProducerConfiguration(connection: kafka.connection, compression: "none"))
            let place = try producer.topic(topic)
            for _ in 0..<3 {
                let event = Array(#"{"id":"a","v":1,"ts":"2024-02-01T00:00:00Z"}"#.utf8)
                try producer.produce(event, to: place, partition: 0, timestamp: nil)
            }
            try producer.close()
            let file = stand.topology()
            let live = file.replacing(
                /file: ".*"/, with: "kafka: { brokers: \"\(kafka.bootstrapServers)\", topics: [\(topic)] }")
            let process = try MillraceProcess(topology: live, environment: ["DATABASE_URL": stand.database.url])
            try stand.database.waitUntilRead(3, by: [process])
            try stopInOrder([process])
            let complaint = try stand.run(file)
            complaint.expect(
                .code(1), "its rows were made of another source", "\(topic): 3 read, 3 applied", "would count twice")
            complaint.expect(.code(1), "make the table anew", "millrace rebuild FILE")
            #expect(try stand.count() == 3)
        }
    }

    @Test func theStatementsThatReadEverythingAgainAreRight() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_again")
            let text = stand.topology(more: IdentityStand.sink("second", "kpi_2"))
            _ = try stand.runs(text)
            try stand.sql("DROP TABLE kpi")
            let complaint = try stand.run(text)
            let line = complaint.errors.split(separator: "\n").first { $0.contains("BEGIN;") } ?? ""
            let start = try #require(line.firstRange(of: "TRUNCATE")).lowerBound
            let end = try #require(line.firstRange(of: "COMMIT;")).lowerBound
            for statement in line[start..<end].split(separator: ";") where statement.contains(" ") {
                try stand.sql(String(statement))
            }
            _ = try stand.runs(text)
            #expect(try stand.count() == 3)
            #expect(try stand.count("kpi_2") == 3)
        }
    }

    @Test func aNewTableBesideOldPositionsIsNotEmptyInSilence() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_new")
            _ = try stand.runs(stand.topology())
            try stand.run(stand.topology(sinks: "table: kpi_2")).expect(
                .code(1), "table public.kpi_2: it is new, and topology t has read 3 events")
            // Beside it, a topology of its own reads everything.
            try stand.append(1)
            _ = try stand.runs(stand.topology("t2", sinks: "table: kpi_2"))
            #expect(try stand.count("kpi_2") == 4)
        }
    }

    @Test func aTableThatWasLeftAloneForAWhileIsNotGoneOnWithInSilence() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_left")
            let both = stand.topology(more: IdentityStand.sink("second", "kpi_2"))
            _ = try stand.runs(both)
            _ = try stand.runs(stand.topology())
            _ = try stand.runs(both)
            _ = try stand.runs(stand.topology())
            try stand.append(2)
            _ = try stand.runs(stand.topology())
            try stand.run(both).expect(.code(1), "table public.kpi_2", "ran without it for a while and read 2 events")
        }
    }

    /// Positions that have gone back are not taken for those of another source, though something is left of them.
    @Test func positionsThatHaveGoneBackAreSaidToBe() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_back")
            let both = stand.topology(more: IdentityStand.sink("second", "kpi_2"))
            _ = try stand.runs(both)
            _ = try stand.runs(stand.topology())
            try stand.sql("UPDATE millrace.partitions SET read = 1, applied = 1")
            try stand.run(both).expect(
                .code(1), "table public.kpi_2", "the positions of topology t that belong to them are gone")
        }
    }

    @Test func anEmptiedTableIsSeenAndRetentionIsNotTakenForIt() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_emptied")
            _ = try stand.runs(stand.topology())
            try stand.sql("TRUNCATE kpi")
            try stand.run(stand.topology()).expect(.code(1), "table public.kpi: it was emptied", "has read 3 events")
            _ = try stand.runs(stand.topology(), "--from-now")
            try stand.append(2)
            _ = try stand.runs(stand.topology())
            // A retention job that found everything old is said, and stops nothing.
            try stand.sql("DELETE FROM kpi")
            let complaint = try stand.runs(stand.topology())
            #expect(complaint.errors.contains("all its rows were deleted since the last start"), "\(complaint.errors)")
            // Rewriting a table is no emptying.
            try stand.append(1)
            _ = try stand.runs(stand.topology())
            try stand.sql("VACUUM FULL kpi")
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 1)
        }
    }

    @Test func aTableMadeAgainIsNotTheOneOfBefore() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_again_made")
            _ = try stand.runs(stand.topology())
            try stand.sql("ALTER TABLE kpi RENAME TO kpi_old")
            let complaint = try stand.run(stand.topology())
            complaint.expect(.code(1), "table public.kpi: it is gone")
            complaint.expect(.code(1), "what was the table is called public.kpi_old now: write `table: public.kpi_old`")
            try stand.append(1)
            let renamed = try stand.runs(stand.topology(sinks: "table: kpi_old"))
            #expect(renamed.errors.contains("it was public.kpi at the last start"))
            #expect(try stand.count("kpi_old") == 4)
            try stand.sql(
                "ALTER TABLE kpi_old RENAME TO kpi", "CREATE TABLE kpi_old (LIKE kpi INCLUDING ALL)")
            try stand.run(stand.topology(sinks: "table: kpi_old")).expect(
                .code(1), "it was dropped and made again since the last start")
        }
    }

    @Test func positionsThatAreGoneCountNothingTwice() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_positions")
            _ = try stand.runs(stand.topology())
            try stand.sql("DELETE FROM millrace.partitions")
            let complaint = try stand.run(stand.topology())
            complaint.expect(.code(1), "table public.kpi: it holds rows, and the positions of topology t")
            // What is lost cannot be gone on from.
            try stand.run(stand.topology(), "--from-now").expect(
                .code(1), "it holds rows, and the positions of topology t")
            try stand.sql("TRUNCATE kpi")
            _ = try stand.runs(stand.topology())
            #expect(try stand.count() == 3)

            try stand.sql("DROP SCHEMA millrace CASCADE")
            try stand.run(stand.topology()).expect(
                .code(1), "table public.kpi: it holds rows that no topology of this database has written")
            try stand.run(stand.topology(), "--from-now").expect(.code(1), "read again would count twice")
            #expect(try stand.count() == 3)
        }
    }

    /// A position that says that nothing was read, beside a ledger that says otherwise.
    @Test func aPositionThatWasTakenAwayIsNoBeginning() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_null")
            _ = try stand.runs(stand.topology())
            try stand.sql(
                """
                UPDATE millrace.partitions SET next_offset = NULL, tail_offset = NULL, tail_timestamp = NULL,
                    tail_checksum = NULL
                """)
            try stand.run(stand.topology()).expect(.code(1), "next_offset is null although records were read")
            #expect(try stand.count() == 3)
        }
    }

    @Test func hiddenPositionsAreNotTakenForLostOnes() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_hidden")
            try stand.sql(
                "CREATE ROLE history_hidden LOGIN", "GRANT CREATE ON DATABASE history_hidden TO history_hidden",
                "GRANT CREATE ON SCHEMA public TO history_hidden")
            let url = stand.database.url.replacing("postgres@", with: "history_hidden@")
            _ = try stand.runs(stand.topology(), url: url)
            try stand.sql(
                "ALTER TABLE millrace.partitions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
            try stand.run(stand.topology(), url: url).expect(
                .code(1), "table millrace.partitions: row-level security hides rows")
            try stand.sql("ALTER TABLE millrace.partitions NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
            try stand.append(2)
            _ = try stand.runs(stand.topology(), url: url)
            #expect(try stand.count() == 5)
        }
    }

    /// Rights that are missing from the start are said at the start, not waited for.
    @Test func aTableThatMayNotBeWrittenIsRefused() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("history_rights")
            _ = try stand.runs(stand.topology())
            try stand.sql("CREATE ROLE history_rights LOGIN")
            for table in ["partitions", "tables", "topologies", "instances", "dead_letters"] {
                try stand.sql("GRANT ALL ON millrace.\(table) TO history_rights")
            }
            try stand.sql("GRANT USAGE ON SCHEMA millrace TO history_rights", "GRANT SELECT ON kpi TO history_rights")
            let url = stand.database.url.replacing("postgres@", with: "history_rights@")
            try stand.append(2)
            try stand.run(stand.topology(), url: url).expect(
                .code(1),
                "table public.kpi: this role lacks rights to it: "
                    + "GRANT INSERT, UPDATE ON \"public\".\"kpi\" TO \"history_rights\";")
            try stand.sql("GRANT INSERT, UPDATE ON kpi TO history_rights")
            _ = try stand.runs(stand.topology(), url: url)
            #expect(try stand.count() == 5)
        }
    }
}
