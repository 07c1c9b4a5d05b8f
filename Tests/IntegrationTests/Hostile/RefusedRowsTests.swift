import LocalServices
import Postgres
import Testing

/// Rows that the database refuses for what they hold: their records become dead letters, all else is committed.
@Suite(.serialized) struct RefusedRowsTests {
    static let nodes = """
          records:
            from: events
            parse_json:
              fields: { country: text, amount: integer }
          by_country:
            from: records
            summarize: { by: [country], metrics: { events: count(), amount: sum(amount) } }
          table:
            from: by_country
            postgres: { url: "${DATABASE_URL}", table: countries }
          total:
            from: records
            summarize: { metrics: { events: count() } }
          total_table:
            from: total
            postgres: { url: "${DATABASE_URL}", table: total }
        """

    /// Events of these countries in turn, each worth 1.
    static func events(_ count: Int, _ countries: [String]) -> [String] {
        (0..<count).map { #"{"country": "\#(countries[$0 % countries.count])", "amount": 1}"# }
    }

    static func counts(_ database: TestDatabase) throws -> [String: Int64] {
        let rows = try database.query("SELECT country, events FROM countries ORDER BY 1")
        var counts: [String: Int64] = [:]
        for row in 0..<rows.rowCount { counts[try rows.text(row, 0) ?? "null"] = try rows.int64(row, 1) }
        return counts
    }

    /// Starts the topology and waits until its empty tables are there.
    private static func prepare(_ name: String, _ statements: String...) throws -> (HostileStream, MillraceProcess) {
        let stream = try HostileStream(name)
        let process = try stream.start(nodes)
        try eventually("the tables are not there; \(process.errors)") {
            try stream.database.query("SELECT to_regclass('total')::text").text(0, 0) != nil
        }
        for statement in statements { _ = try stream.database.query(statement) }
        return (stream, process)
    }

    @Test func recordsOfRowsThatViolateAConstraintBecomeDeadLetters() async throws {
        try await onOwnThread {
            let (stream, process) = try Self.prepare(
                "refused_check", "ALTER TABLE countries ADD CONSTRAINT known CHECK (country <> 'XX')")
            let countries = ["DE", "XX", "FR", "JP"]
            try stream.produce(Self.events(4_000, countries))
            try stream.database.waitUntilRead(4_000, by: [process])
            try Self.expectRefused(1_000, of: 4_000, in: stream, rest: ["DE": 1_000, "FR": 1_000, "JP": 1_000])

            // Later epochs go on, without another rewind for the same group.
            try stream.produce(Self.events(400, countries))
            try stream.database.waitUntilRead(4_400, by: [process])
            try stopInOrder([process])
            try Self.expectRefused(1_100, of: 4_400, in: stream, rest: ["DE": 1_100, "FR": 1_100, "JP": 1_100])
            let rewinds = process.errors.split(separator: "\n").filter { $0.contains("Rewinding") }
            #expect(rewinds.count == 1, "\(process.errors)")
            #expect(rewinds.first?.contains("table countries") == true)
            #expect(rewinds.first?.contains("23514") == true)
            #expect(!process.errors.contains("\"country\""), "record contents in the log: \(process.errors)")

            // After a restart the group is found again.
            try stream.produce(Self.events(400, countries))
            let second = try stream.start(Self.nodes)
            try stream.database.waitUntilRead(4_800, by: [second])
            try stopInOrder([second])
            try Self.expectRefused(1_200, of: 4_800, in: stream, rest: ["DE": 1_200, "FR": 1_200, "JP": 1_200])
        }
    }

    @Test func recordsOfRowsThatATriggerRefusesBecomeDeadLetters() async throws {
        try await onOwnThread {
            let (stream, process) = try Self.prepare(
                "refused_trigger",
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.country = 'XX' THEN RAISE EXCEPTION 'no % here', NEW.country USING ERRCODE = '22003'; END IF;
                    IF NEW.country = 'YY' THEN RAISE EXCEPTION 'secret country %', NEW.country; END IF;
                    RETURN NEW; END $$
                """,
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON countries FOR EACH ROW EXECUTE FUNCTION refuse()")
            try stream.produce(Self.events(3_000, ["XX", "DE", "YY"]))
            try stream.database.waitUntilRead(3_000, by: [process])
            try stopInOrder([process])
            #expect(try Self.counts(stream.database) == ["DE": 1_000])
            let letters = try stream.letters()
            #expect(letters.filter { $0.reason.contains("postgres[22003]") }.count == 1_000)
            #expect(letters.filter { $0.reason.contains("postgres[P0001]") }.count == 1_000)
            // The log shows the first dead letter of a cause, reason and record, and none of the thousand that follow.
            #expect(process.errors.ranges(of: "secret country").count == 2, "\(process.errors)")
            let ledger = try stream.ledger()
            #expect((ledger.read, ledger.applied, ledger.dead, ledger.filtered) == (3_000, 1_000, 2_000, 0))
        }
    }

    @Test func aColumnThatAUserNarrowedRefusesOnlyWhatDoesNotFit() async throws {
        try await onOwnThread {
            let (stream, process) = try Self.prepare(
                "refused_narrow", "ALTER TABLE countries ALTER COLUMN country TYPE varchar(2)")
            try stream.produce(Self.events(2_000, ["DE", "France"]))
            try stream.database.waitUntilRead(2_000, by: [process])
            try stopInOrder([process])
            try Self.expectRefused(
                1_000, of: 2_000, in: stream, rest: ["DE": 1_000], sqlState: "22001", payload: "France")
        }
    }

    @Test func aConstraintCheckedAtCommitIsFoundToo() async throws {
        try await onOwnThread {
            let (stream, process) = try Self.prepare(
                "refused_deferred", "CREATE TABLE known (country text COLLATE \"C\" PRIMARY KEY)",
                "INSERT INTO known VALUES ('DE')",
                "ALTER TABLE countries ADD FOREIGN KEY (country) REFERENCES known DEFERRABLE INITIALLY DEFERRED")
            try stream.produce(Self.events(2_000, ["DE", "XX"]))
            try stream.database.waitUntilRead(2_000, by: [process])
            try stopInOrder([process])
            try Self.expectRefused(1_000, of: 2_000, in: stream, rest: ["DE": 1_000], sqlState: "23503")
        }
    }

    /// Many small epochs, stages of their own, a branch that takes some of the records: the result does not change.
    @Test func whatIsRefusedDoesNotDependOnEpochsAndStages() async throws {
        try await onOwnThread {
            let nodes = """
                  records:
                    from: events
                    parse_json: { fields: { country: text, amount: integer } }
                  by_country:
                    from: records
                    summarize: { by: [country, amount], metrics: { events: count() } }
                    concurrency: 2
                  table:
                    from: by_country
                    postgres: { url: "${DATABASE_URL}", table: countries }
                  paid:
                    from: records
                    filter: "amount > 0"
                    concurrency: 2
                  total:
                    from: paid
                    summarize: { metrics: { events: count() } }
                  total_table:
                    from: total
                    postgres: { url: "${DATABASE_URL}", table: total }
                """
            let stream = try HostileStream("refused_epochs")
            let process = try stream.start(
                nodes, settings: "batch_messages: 64", arguments: ["--commit-interval", "10"])
            try eventually("the tables are not there; \(process.errors)") {
                try stream.database.query("SELECT to_regclass('total')::text").text(0, 0) != nil
            }
            _ = try stream.database.query("ALTER TABLE countries ADD CHECK (country <> 'XX' OR amount > 6)")
            let countries = ["DE", "XX", "FR"]
            try stream.produce((0..<6_000).map { #"{"country": "\#(countries[$0 % 3])", "amount": \#($0 % 10)}"# })
            try stream.database.waitUntilRead(6_000, by: [process])
            try stopInOrder([process])
            // 200 records of each of the 30 pairs; XX with 0 to 6 is refused.
            let ledger = try stream.ledger()
            #expect((ledger.read, ledger.applied, ledger.dead, ledger.filtered) == (6_000, 4_600, 1_400, 0))
            #expect(try stream.letters().count == 1_400)
            let rows = try stream.database.query("SELECT count(*), min(events), max(events) FROM countries")
            #expect(try rows.int64(0, 0) == 23 && rows.int64(0, 1) == 200 && rows.int64(0, 2) == 200)
            #expect(try stream.database.number("SELECT events FROM total") == 5_400)
        }
    }

    /// The source has reached its end when the database refuses: it must read again all the same.
    @Test func theEndOfAFileIsReadAgainWhenItsRowsAreRefused() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let path = try folder.file(
                named: "events.ndjson", Self.events(3_000, ["DE", "XX", "FR"]).joined(separator: "\n"))
            let database = try TestDatabase("refused_file")
            let topology = { (path: String) in
                "topology: files\nnodes:\n  events:\n    file: { paths: [\"\(path)\"] }\n" + Self.nodes
            }
            let none = try folder.file(named: "none.ndjson", "")
            func run(_ path: String) throws {
                let file = try folder.file(topology(path))
                let complaint = try Complaint.of(
                    ["run", file, "--progress", "none"], environment: ["DATABASE_URL": database.url])
                #expect(complaint.exit == .code(0), "\(complaint.errors)")
            }
            try run(none)
            _ = try database.query("ALTER TABLE countries ADD CHECK (country <> 'XX')")
            try run(path)
            #expect(try Self.counts(database) == ["DE": 1_000, "FR": 1_000])
            let ledger = try Ledger(of: database)
            #expect(ledger.dead == 1_000 && ledger.problems(messages: nil, records: 3_000).isEmpty)
            let places = try database.query(
                #"SELECT count(DISTINCT "offset"), min("offset"), max(line) FROM millrace.dead_letters"#)
            #expect(try places.int64(0, 0) == 1_000 && places.int64(0, 1) == 31 && places.int32(0, 2) == 0)
        }
    }

    @Test func aTableThatRefusesEverythingStopsTheTopologyAndSaysWhy() async throws {
        try await onOwnThread {
            let (stream, process) = try Self.prepare(
                "refused_all", "ALTER TABLE countries ADD CONSTRAINT none CHECK (events < 0)")
            try stream.produce((0..<3_000).map { #"{"country": "c\#($0)", "amount": 1}"# })
            #expect(try process.wait(within: .seconds(120)) == .code(1))
            let last = process.errors.split(separator: "\n").last ?? ""
            #expect(last.contains("countries") && last.contains("constraint none"), "\(process.errors)")
            #expect(try stream.ledger().read == 0)
        }
    }

    /// What must hold when one of the countries is refused.
    private static func expectRefused(
        _ dead: Int64, of read: Int64, in stream: HostileStream, rest: [String: Int64], sqlState: String = "23514",
        payload: String = "XX", sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try counts(stream.database) == rest, sourceLocation: sourceLocation)
        let ledger = try stream.ledger()
        #expect(
            (ledger.read, ledger.applied, ledger.dead, ledger.filtered) == (read, read - dead, dead, 0),
            sourceLocation: sourceLocation)
        let letters = try stream.letters()
        #expect(Int64(letters.count) == dead, sourceLocation: sourceLocation)
        #expect(Set(letters.map(\.offset)).count == letters.count, sourceLocation: sourceLocation)
        let wrong = letters.first { letter in
            !letter.reason.hasPrefix("the database refuses this row of countries: postgres[\(sqlState)]")
                || String(decoding: letter.payload, as: UTF8.self) != #"{"country": "\#(payload)", "amount": 1}"#
        }
        #expect(wrong == nil, sourceLocation: sourceLocation)
        // Another summary of the same records has them: its rows are not refused.
        let total = try stream.database.number("SELECT events FROM total")
        #expect(total == read, sourceLocation: sourceLocation)
        #expect(try Ledger(of: stream.database).problems(messages: Int(read)).isEmpty, sourceLocation: sourceLocation)
    }
}
