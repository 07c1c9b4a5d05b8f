import LocalServices
import Postgres
import Testing

/// Two definitions of one topology.
@Suite struct DefinitionsTests {
    /// Waits for Kafka for ever; its tables and its registration are there.
    private static func start(_ text: String, _ database: TestDatabase) throws -> MillraceProcess {
        let process = try MillraceProcess(topology: text, environment: ["DATABASE_URL": database.url])
        try eventually("not registered: \(process.errors)") {
            let table = try database.query("SELECT to_regclass('millrace.instances')::text")
            guard !table.isNull(0, 0) else { return false }
            return try database.number("SELECT count(*) FROM millrace.instances") > 0
        }
        return process
    }

    @Test func anotherDefinitionDoesNotStartWhileAnInstanceIsAlive() async throws {
        try await onOwnThread {
            let database = try TestDatabase("definitions_alive")
            let first = try Self.start(TopologyFolder.topology(), database)
            let folder = try TopologyFolder()
            let other = try folder.file(TopologyFolder.topology(window: "1h", table: "kpi_hour"))
            let complaint = try Complaint.of(
                ["run", other, "--progress", "none"], environment: ["DATABASE_URL": database.url])
            complaint.expect(
                .code(1), "topology t runs with another definition: instance", "public.kpi_hour window (1h) is new")
            #expect(first.isRunning)
            #expect(try database.query("SELECT to_regclass('kpi_hour')::text").isNull(0, 0))

            // The same definition, written otherwise, may run as often as one likes.
            let same = try MillraceProcess(
                topology: TopologyFolder.topology(settings: "{ client.id: second }"),
                environment: ["DATABASE_URL": database.url])
            try eventually("not registered: \(same.errors)") {
                try database.number("SELECT count(*) FROM millrace.instances") == 2
            }
            same.terminate()
            #expect(try same.wait() == .code(0), "\(same.errors)")
            first.terminate()
            #expect(try first.wait() == .code(0), "\(first.errors)")
            // They have signed out, so the other one starts at once.
            let second = try Self.start(TopologyFolder.topology(window: "1h", table: "kpi_hour"), database)
            second.terminate()
            #expect(try second.wait() == .code(0), "\(second.errors)")
        }
    }

    @Test func aKilledInstanceHoldsNobodyUpForLong() async throws {
        try await onOwnThread {
            let database = try TestDatabase("definitions_killed")
            let first = try Self.start(TopologyFolder.topology(), database)
            first.kill()
            let second = try MillraceProcess(
                topology: TopologyFolder.topology(window: "1h", table: "kpi_hour"),
                environment: ["DATABASE_URL": database.url])
            try eventually(within: .seconds(30), "not started: \(second.errors)") {
                try !database.query("SELECT to_regclass('kpi_hour')::text").isNull(0, 0)
            }
            #expect(second.errors.contains("ran with another definition a moment ago"), "\(second.errors)")
            second.terminate()
            #expect(try second.wait() == .code(0), "\(second.errors)")
        }
    }

    @Test func anInstanceThatWasReplacedStopsAndSaysWhy() async throws {
        try await onOwnThread {
            let database = try TestDatabase("definitions_replaced")
            let first = try Self.start(TopologyFolder.topology(), database)
            // Frozen for longer than it may be silent.
            first.freeze()
            _ = try database.query("UPDATE millrace.instances SET seen_at = seen_at - interval '1 minute'")
            let second = try Self.start(TopologyFolder.topology(window: "1h", table: "kpi_hour"), database)
            try eventually("not registered: \(second.errors)") {
                try database.number("SELECT count(*) FROM millrace.tables WHERE table_name = 'kpi_hour'") == 1
            }
            first.thaw()
            #expect(try first.wait() == .code(1))
            #expect(first.errors.contains("topology t: another definition of it took over from this instance"))
            #expect(first.errors.contains("public.kpi_hour window (1h) is new"), "\(first.errors)")
            second.terminate()
            #expect(try second.wait() == .code(0), "\(second.errors)")
        }
    }
}
