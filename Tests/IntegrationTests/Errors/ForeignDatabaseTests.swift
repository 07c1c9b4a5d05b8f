import Foundation
import LocalServices
import Postgres
import Testing

/// Roles with preferences, schemas with traps, and triggers that raise what they like: the database belongs to others
/// too.
@Suite struct ForeignDatabaseTests {
    /// A topology over a file of its own: `kpi` counts events by id.
    private static func topology(_ file: String, table: String = "kpi", window: String = "window: 1m, ") -> String {
        """
        topology: foreign
        nodes:
          events:
            file: "\(file)"
          records:
            from: events
            parse_json: { event_time: ts, fields: { ts: timestamp, id: text } }
          kpi:
            from: records
            summarize: { \(window)by: [id], metrics: { n: count() } }
          out:
            from: kpi
            postgres: { url: "${DATABASE_URL}", table: \(table) }
        """
    }

    private static func events(_ ids: [String]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString).ndjson")
        let lines = ids.map { #"{"id":"\#($0)","ts":"2024-02-01T00:00:00Z"}"# + "\n" }
        try Data(lines.joined().utf8).write(to: file)
        return file.path
    }

    private static func run(_ text: String, _ url: String) throws -> Complaint {
        let folder = try TopologyFolder()
        return try Complaint.of(
            ["run", folder.file(text), "--progress", "none"], environment: ["DATABASE_URL": url],
            within: .seconds(120))
    }

    /// Every SQLSTATE that a trigger may think of refuses its row and no other, also those that pass by their name.
    @Test(arguments: ["ABCDE", "XX000", "40001", "57014"])
    func triggersRefuseRowsWithAnyCode(sqlState: String) async throws {
        try await onOwnThread {
            let database = try TestDatabase("trigger_\(sqlState.lowercased())")
            let first = try Self.run(Self.topology(Self.events(["a"])), database.url)
            #expect(first.exit == .code(0), "\(first.errors)")
            _ = try database.query(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '\(sqlState)'; END $$
                """)
            _ = try database.query(
                "CREATE TRIGGER refuse BEFORE INSERT ON kpi FOR EACH ROW WHEN (NEW.id = 'bad') EXECUTE FUNCTION refuse()"
            )
            let second = try Self.run(Self.topology(Self.events(["b", "bad", "c", "bad"])), database.url)
            #expect(second.exit == .code(0), "\(second.errors)")
            #expect(try database.number("SELECT sum(n)::bigint FROM kpi") == 3, "\(second.errors)")
            #expect(try database.number("SELECT count(*) FROM millrace.dead_letters") == 2, "\(second.errors)")
        }
    }

    @Test func firstStartsAtOnceDoNotDependOnWhatTheRolePrefers() async throws {
        try await onOwnThread {
            let database = try TestDatabase("preferences")
            for setting in [
                "default_transaction_isolation = 'repeatable read'", "statement_timeout = '200ms'",
                "standard_conforming_strings = off", "lock_timeout = '1ms'",
            ] { _ = try database.query("ALTER DATABASE preferences SET \(setting)") }
            let folder = try TopologyFolder()
            let processes = try (0..<4).map { number in
                let text = Self.topology(try Self.events(["a"]), table: "kpi_\(number)")
                    .replacing("topology: foreign", with: "topology: foreign_\(number)")
                return try MillraceProcess(
                    ["run", folder.file(named: "\(number).yaml", text), "--progress", "none"],
                    environment: ["DATABASE_URL": database.url])
            }
            for (number, process) in processes.enumerated() {
                #expect(try process.wait() == .code(0), "\(process.lastWords)")
                #expect(try database.number("SELECT sum(n)::bigint FROM kpi_\(number)") == 1)
            }
        }
    }

    /// Functions and operators in `public` that fit better than the builtins are never run as our role.
    @Test func nothingInTheSearchPathIsRunAsOurRole() async throws {
        try await onOwnThread {
            let database = try TestDatabase("hijack")
            _ = try database.query("CREATE TABLE public.trapped(what text)")
            for (name, arguments, result) in [
                ("obj_description", "oid, name", "text"), ("to_regclass", "text", "regclass"),
                ("to_regnamespace", "text", "regnamespace"), ("unnest", "text[]", "SETOF text"),
                ("unnest", "int[]", "SETOF int"), ("unnest", "bigint[]", "SETOF bigint"),
                ("unnest", "bytea[]", "SETOF bytea"), ("unnest", "timestamptz[]", "SETOF timestamptz"),
                ("unnest", "numeric[]", "SETOF numeric"), ("unnest", "smallint[]", "SETOF smallint"),
                ("format_type", "oid, int", "text"), ("current_schemas", "boolean", "name[]"),
                ("set_config", "text, text, boolean", "text"), ("pg_advisory_xact_lock", "bigint", "void"),
                ("pg_advisory_xact_lock", "int, int", "void"), ("pg_backend_pid", "", "int"),
            ] {
                _ = try database.query(
                    """
                    CREATE FUNCTION public.\(name)(\(arguments)) RETURNS \(result) LANGUAGE plpgsql AS
                    $$ BEGIN INSERT INTO public.trapped VALUES ('\(name)(\(arguments))'); RETURN; END $$
                    """.replacing(
                        "RETURN; END",
                        with: result.hasPrefix("SETOF") || result == "void" ? "RETURN; END" : "RETURN NULL; END"))
            }
            for (left, right) in [
                ("oid", "regclass"), ("text", "name"), ("name", "text"), ("oid", "oid"), ("text", "text"),
                ("bigint", "bigint"), ("int", "int"), ("bytea", "bytea"), ("timestamptz", "timestamptz"),
            ] {
                _ = try database.query(
                    """
                    CREATE FUNCTION public.trap_\(left)_\(right)(\(left), \(right)) RETURNS boolean LANGUAGE plpgsql AS
                    $$ BEGIN INSERT INTO public.trapped VALUES ('\(left) = \(right)'); RETURN true; END $$
                    """)
                _ = try database.query(
                    "CREATE OPERATOR public.= (LEFTARG = \(left), RIGHTARG = \(right), FUNCTION = "
                        + "public.trap_\(left)_\(right))")
            }
            let events = try Self.events(["a", "b", "a"])
            let plain = Self.topology(events, table: "whole", window: "")
                .replacing("topology: foreign", with: "topology: whole")
            // Twice, so that tables are checked as well as made.
            for text in [Self.topology(events), plain, plain, Self.topology(events)] {
                let complaint = try Self.run(text, database.url)
                #expect(complaint.exit == .code(0), "\(complaint.errors)")
            }
            let fell = try database.query("SELECT pg_catalog.string_agg(DISTINCT what, '; ') FROM public.trapped")
            #expect(try fell.text(0, 0) == nil)
            #expect(try database.query("SELECT pg_catalog.sum(n)::bigint FROM public.kpi").int64(0, 0) == 3)
        }
    }

    /// Triggers and their functions go on finding what stands in the role's search path.
    @Test func triggersOfUsersFindTheirTables() async throws {
        try await onOwnThread {
            let database = try TestDatabase("trigger_path")
            #expect(try Self.run(Self.topology(Self.events(["a"])), database.url).exit == .code(0))
            _ = try database.query("CREATE TABLE audit(id text)")
            _ = try database.query(
                """
                CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$
                """)
            _ = try database.query("CREATE TRIGGER audit AFTER INSERT ON kpi FOR EACH ROW EXECUTE FUNCTION audit()")
            let complaint = try Self.run(Self.topology(Self.events(["b"])), database.url)
            #expect(complaint.exit == .code(0), "\(complaint.errors)")
            #expect(try database.number("SELECT count(*) FROM audit") == 1)
        }
    }

    /// The case in which libpq repeats what it does not understand.
    @Test func secretsStayUnsaidWhereverTheyStand() async throws {
        try await onOwnThread {
            let url = "postgresql://kpi:pw/\(Complaint.canary)@127.0.0.1:5432/kpis"
            try Self.run(Self.topology("/dev/null"), url).expect(.code(1), "error[database-url]", "percent-encode")
            let service = Self.topology("/dev/null").replacing("${DATABASE_URL}", with: "service=${DATABASE_URL}")
            try Self.run(service, Complaint.canary).expect(.code(1), "connection settings", "service")
            let user = Self.topology("/dev/null")
                .replacing("${DATABASE_URL}", with: "postgresql://${DATABASE_URL}@127.0.0.1:1/d?connect_timeout=zz")
            try Self.run(user, Complaint.canary).expect(.code(1), "connect_timeout is no whole number")
        }
    }
}
