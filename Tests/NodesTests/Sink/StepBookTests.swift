import Dataflow
import Logging
import Postgres
import Testing

@testable import Nodes

/// What the database knows of programs that are run after commits, and who may run them.
@Suite struct StepBookTests {
    private static let step = TableStep(
        plan: StepPlan(
            command: ["true"], name: "true", environment: [:], sendsRows: true, timeout: .seconds(1), memoryMax: nil),
        logger: Logger(label: "test"))

    private static func book(_ runner: String, sendsRows: Bool = true) -> StepBook {
        let place = TablePlace(schema: "public", name: "kpi")
        return StepBook(
            topology: "t", table: SummaryTable(place: place, name: "kpi", plan: TargetStand.plan), runner: runner,
            sendsRows: sendsRows)
    }

    private static func claim(_ book: StepBook, _ connection: inout Connection) throws -> StepOrder? {
        guard case .order(let order) = try book.claim(&connection) else { return nil }
        return order
    }

    @Test func oneRunnerAtATimeAndTheSameAgainWhenItIsGone() async throws {
        try await onThread {
            let stand = try TargetStand("step_lease")
            let instance = try stand.instance()
            var connection = try stand.connect()
            // The instance's own keeper is not in the way: nothing is counted before this.
            let (first, second) = (Self.book("first"), Self.book("second"))
            #expect(try first.claim(&connection) == .nothing)
            try connection.execute("INSERT INTO millrace.steps VALUES ('t', 'public', 'kpi', 3, 0, 0)")
            let order = try #require(try Self.claim(first, &connection))
            #expect((order.first, order.last, order.attempt, order.rows) == (1, 3, 1, .changed))
            #expect(try second.claim(&connection) == .taken)
            #expect(try first.sign(&connection))

            // It falls silent. What was begun is begun again, and not what came since.
            try connection.execute("UPDATE millrace.steps SET commits = 5")
            try connection.execute("UPDATE millrace.step_runs SET seen_at = now() - interval '11 s'")
            let again = try #require(try Self.claim(second, &connection))
            #expect((again.first, again.last, again.attempt) == (1, 3, 2))
            #expect(try !first.sign(&connection))
            try first.finish(order, &connection)
            #expect(try stand.number("SELECT done FROM millrace.step_runs") == 0)
            try second.fail("broken", &connection)
            #expect(try Self.claim(second, &connection)?.attempt == 3)
            try second.finish(again, &connection)
            let rest = try #require(try Self.claim(first, &connection))
            #expect((rest.first, rest.last, rest.attempt) == (4, 5, 1))
            try first.release(&connection)
            #expect(try Self.claim(second, &connection)?.attempt == 2)
            #expect(try stand.number("SELECT runs * 10 + failures FROM millrace.step_runs") == 11)
            _ = instance
        }
    }

    @Test func keysOfChangedRowsAreKeptUpToALimit() async throws {
        try await onThread {
            let stand = try TargetStand("step_keys")
            let instance = try stand.instance(step: Self.step)
            instance.target.endSteps()
            var connection = try stand.connect()
            let book = Self.book("me")
            #expect(try instance.commit(["DE", nil]) == .committed)
            #expect(try instance.commit(["DE", "FR"]) == .committed)
            let order = try #require(try Self.claim(book, &connection))
            #expect((order.first, order.last, order.rows) == (1, 2, .changed))
            try connection.execute("BEGIN")
            let lines = try book.keys(of: order, &connection).map {
                String(decoding: try book.lines(of: $0, &connection), as: UTF8.self)
            }
            try connection.execute("COMMIT")
            #expect(
                lines == [
                    "{\"country\":null,\"events\":1}\n{\"country\":\"DE\",\"events\":2}\n{\"country\":\"FR\",\"events\":1}\n"
                ])

            // Beyond the limit, nobody is told less than all without knowing.
            try connection.execute("UPDATE millrace.steps SET keys = \(StepLimits.keysMax - 1)")
            #expect(try instance.commit(["DE", "FR"]) == .committed)
            #expect(try stand.number("SELECT count(*) FROM millrace.step_rows WHERE commit = 3") == 0)
            try book.finish(order, &connection)
            #expect(try Self.claim(book, &connection)?.rows == .unknown)
            #expect(try Self.claim(Self.book("me", sendsRows: false), &connection)?.rows == StepOrder.Rows.none)

            // A table that has no program any more has nothing left to do when it gets one again.
            let without = try stand.instance()
            #expect(try book.claim(&connection) == .nothing)
            #expect(
                try stand.number("SELECT count(*) + (SELECT keys FROM millrace.steps) FROM millrace.step_rows") == 0)
            _ = without
        }
    }
}
