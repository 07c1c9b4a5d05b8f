import LocalServices
import Postgres
import Testing

/// What a database refuses at the start of a run, in words that say what to do.
@Suite struct DatabaseErrorTests {
    /// A server that asks for a password.
    private static let server = Result<PrivatePostgres, LocalServiceError> { () throws(LocalServiceError) in
        var options = PrivatePostgres.Options()
        options.authentication = .password(Complaint.canary)
        return try PrivatePostgres.start(options)
    }

    private static func database(_ name: String) throws -> TestDatabase {
        try TestDatabase(name, on: server.get())
    }

    /// Runs a topology that cannot start.
    private static func run(_ text: String = TopologyFolder.topology(), url: String) throws -> Complaint {
        let folder = try TopologyFolder()
        return try Complaint.of(["run", folder.file(text)], environment: ["DATABASE_URL": url])
    }

    @Test func aWrongPasswordIsNamedAndNotShown() async throws {
        try await onOwnThread {
            let url = try Self.server.get().url(password: Complaint.canary + "wrong")
            let complaint = try Self.run(url: url)
            complaint.expect(
                .code(1), "millrace: postgres host 127.0.0.1", "user postgres", "password authentication failed",
                "check the user and the password")
        }
    }

    @Test func aMissingDatabaseIsNamed() async throws {
        try await onOwnThread {
            let complaint = try Self.run(url: Self.server.get().url(database: "no_such"))
            complaint.expect(.code(1), "database \"no_such\" does not exist", "create the database")
        }
    }

    @Test func aURLThatIsNoneIsNotRepeated() async throws {
        try await onOwnThread {
            let complaint = try Self.run(
                url: "postgresql://u:\(Complaint.canary)@host:port:1/d?nonsense=\(Complaint.canary)")
            #expect(complaint.exit == .code(1))
            #expect(complaint.errors.contains("error[database-url]: connection settings: "), "\(complaint.errors)")
            complaint.expectDecency()
        }
    }

    @Test func anUnreachableServerIsWaitedForAndSaidOnce() async throws {
        try await onOwnThread {
            let folder = try TopologyFolder()
            let (complaint, time) = try Complaint.of(
                ["run", folder.file(TopologyFolder.topology())],
                environment: ["DATABASE_URL": "postgresql://u:\(Complaint.canary)@127.0.0.1:1/d"],
                afterSaying: "Waiting for the database")
            // Nothing was read, so nothing is missing: a stop like any other.
            complaint.expect(.code(0), "Waiting for the database", "Connection refused", "port 1")
            complaint.expect(.code(0), "Topology ended")
            #expect(complaint.errors.split(separator: "\n").count == 2, "\(complaint.errors)")
            #expect(time < .seconds(5))
        }
    }

    @Test func everyDifferenceOfAnExistingTableIsListed() async throws {
        try await onOwnThread {
            let database = try Self.database("shapes")
            _ = try database.query("CREATE TABLE kpi (id integer PRIMARY KEY, event integer, note text NOT NULL)")
            let complaint = try Self.run(url: database.url)
            complaint.expect(
                .code(1), "table public.kpi", "column window_start timestamptz is missing",
                "event is integer, expected text", "column events bigint is missing",
                "column group_key bytea is missing",
                "note is NOT NULL", "the primary key is (id), expected (window_start, group_key)")
            complaint.expect(.code(1), "DROP TABLE \"public\".\"kpi\";")
            #expect(
                try database.number("SELECT count(*) FROM information_schema.columns WHERE table_name = 'kpi'") == 3)
            let partitions = try database.query("SELECT to_regclass('millrace.partitions')::text")
            #expect(partitions.isNull(0, 0), "a refused start left something behind")
        }
    }

    @Test func aMissingSchemaIsNamedAndAnExistingOneIsUsed() async throws {
        try await onOwnThread {
            let database = try Self.database("schemas")
            let topology = TopologyFolder.topology(table: "reports.kpi")
            try Self.run(topology, url: database.url).expect(
                .code(1), "schema \"reports\" does not exist", "create the schema")
            _ = try database.query("CREATE SCHEMA reports")
            try Self.prepare(topology, database)
            #expect(try database.number("SELECT count(*) FROM reports.kpi") == 0)
        }
    }

    @Test func aRoleWithoutRightsIsToldWhichItNeeds() async throws {
        try await onOwnThread {
            let database = try Self.database("rights")
            for statement in [
                "CREATE ROLE poor LOGIN PASSWORD '\(Complaint.canary)'",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            ] { _ = try database.query(statement) }
            let url = try Self.server.get().url(database: "rights", user: "poor", password: Complaint.canary)
            try Self.run(url: url).expect(
                .code(1), "permission denied for database rights", "the role needs CREATE on the database")
            _ = try database.query("GRANT CREATE ON DATABASE rights TO poor")
            try Self.run(url: url).expect(
                .code(1), "permission denied for schema public", "CREATE on the database", "the schema of its tables")
        }
    }

    /// Runs a topology until its tables are there.
    private static func prepare(_ text: String, _ database: TestDatabase) throws {
        let folder = try TopologyFolder()
        let process = try MillraceProcess(
            ["run", folder.file(text), "--progress", "none"], environment: ["DATABASE_URL": database.url])
        try eventually("no tables: \(process.errors)") {
            try database.query("SELECT to_regclass('millrace.tables')::text").text(0, 0) != nil
        }
        process.terminate()
        #expect(try process.wait() == .code(0), "\(process.errors)")
    }
}
