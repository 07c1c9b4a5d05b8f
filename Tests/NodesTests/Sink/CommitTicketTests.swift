import DataflowTesting
import Foundation
import Platform
import Postgres
import Testing

@testable import Dataflow
@testable import Nodes

/// Instances that write the same table at the same time do not deadlock.
@Suite struct CommitTicketTests {
    /// Three instances merge into rows that exist and make rows that do not, in all orders there are: without the ticket
    /// one of them locks a row that another has just made, while it holds a later one that the other waits for.
    @Test func instancesThatMakeAndUpdateTheSameRowsDoNotDeadlock() async throws {
        let stand = try TargetStand("tickets")
        let (instances, rounds) = (3, 150)
        let made = try (0..<instances).map { try stand.instance(Int32($0)) }
        let counts = try await withThrowingTaskGroup(of: [String: Int64].self) { group in
            for (number, instance) in made.enumerated() {
                let box = Box(instance)
                group.addTask {
                    try await onThread {
                        var random = SeededRandom(seed: UInt64(number))
                        var sent: [String: Int64] = [:]
                        for round in 0..<rounds {
                            // Some rows of this round, which are new, and some of all rounds before.
                            let fresh = (0..<12).map { "\($0)-\(round)" }.filter { _ in random.chance(60) }
                            let known = (0..<8).map { "\($0)-\(Int.random(in: 0...round, using: &random))" }
                            let countries = Array(Set(fresh + known))
                            let target = box.value.target
                            if target.wantsTurn || random.chance(10) {
                                try target.takeTurn(TargetStand.context)
                                if random.chance(20) { target.passTurn() }
                            }
                            let outcome = try box.value.commit(countries)
                            #expect(outcome == .committed, "instance \(number), round \(round)")
                            for country in countries { sent[country, default: 0] += 1 }
                        }
                        return sent
                    }
                }
            }
            return try await group.reduce(into: [String: Int64]()) { sum, part in
                sum.merge(part, uniquingKeysWith: +)
            }
        }
        var connection = try stand.connect()
        let rows = try connection.query("SELECT country, events FROM kpi")
        var found: [String: Int64] = [:]
        for row in 0..<rows.rowCount { found[try rows.text(row, 0) ?? ""] = try rows.int64(row, 1) }
        #expect(found == counts)
        // Counters of a backend are there when it has ended.
        made.forEach { $0.target.close() }
        try eventually("the counters did not come") {
            try stand.number("SELECT xact_commit FROM pg_stat_database WHERE datname = 'tickets'")
                >= Int64(instances * rounds)
        }
        #expect(try stand.number("SELECT deadlocks FROM pg_stat_database WHERE datname = 'tickets'") == 0)
    }

    /// Whoever has the turn keeps the others out until it commits or passes, and who had to wait asks first from then on.
    @Test func aTurnKeepsOthersFromWriting() async throws {
        let stand = try TargetStand("turns")
        try await onThread {
            let (one, other) = (try stand.instance(0), Box(try stand.instance(1)))
            #expect(try one.commit(["NO"]) == .committed)
            #expect(try other.value.commit(["NO"]) == .committed)
            for isPassed in [false, true] {
                try one.target.takeTurn(TargetStand.context)
                let outcome = Box<CommitOutcome?>(nil)
                let hasEnded = DispatchSemaphore(value: 0)
                Thread {
                    outcome.value = try? other.value.commit(["NO", "SE"])
                    hasEnded.signal()
                }.start()
                try eventually("nobody waits for the ticket") {
                    try stand.number(
                        """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event = 'advisory' AND datname = current_database()
                            AND now() - query_start > '20 ms'
                        """) == 1
                }
                if isPassed { one.target.passTurn() } else { #expect(try one.commit(["NO"]) == .committed) }
                hasEnded.wait()
                #expect(outcome.value == .committed)
                #expect(other.value.target.wantsTurn, "it had to wait")
            }
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 7)
        }
    }

    /// The transaction that holds the tickets ends with its connection; the commit is whole all the same.
    @Test func aTurnThatIsLostIsWaitedForAgain() async throws {
        let stand = try TargetStand("lost_turn")
        try await onThread {
            let instance = try stand.instance()
            #expect(try instance.commit(["NO"]) == .committed)
            for round in 1...3 {
                try instance.target.takeTurn(TargetStand.context)
                #expect(
                    try stand.number(
                        """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE state = 'idle in transaction' AND datname = current_database()
                        """) == 1)
                #expect(try instance.commit(["NO"]) == .committed, "round \(round)")
                // On a connection that is new, no turn is taken before its first commit.
                try instance.target.takeTurn(TargetStand.context)
                instance.target.passTurn()
            }
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 4)
            #expect(try stand.number("SELECT sum(read)::bigint FROM millrace.partitions") == 4)
        }
    }

    /// The cycle itself, statement by statement: X has locked b and wants a, which W has made in between, and Y holds a and
    /// wants b. With the ticket Y and W have to wait until X is done.
    @Test(arguments: [false, true]) func theCycleNeedsTheTicket(hasTicket: Bool) async throws {
        let stand = try TargetStand("cycle_\(hasTicket)")
        try stand.execute(
            "CREATE TABLE kpi (group_key bytea PRIMARY KEY, events bigint); INSERT INTO kpi VALUES ('b', 1)")
        let states = try await onThread { () -> [String] in
            let ticket =
                hasTicket
                ? "SELECT pg_advisory_xact_lock(\(CommitTicket.space), 'kpi'::regclass::oid::int4)" : "SELECT 1"
            let lock = { (keys: String) in
                "SELECT k.o FROM unnest('{\(keys)}'::bytea[]) WITH ORDINALITY k(g, o) JOIN kpi t ON t.group_key = k.g "
                    + "ORDER BY k.o FOR UPDATE OF t"
            }
            let insert = "INSERT INTO kpi VALUES ('a', 1) ON CONFLICT DO NOTHING"
            let states = Box<[String]>([])
            let others = DispatchGroup()
            func start(_ statements: [String]) {
                others.enter()
                Thread {
                    defer { others.leave() }
                    do {
                        var connection = try stand.connect()
                        for statement in statements { try connection.execute(statement) }
                    } catch let error as PostgresError {
                        states.value.append(error.sqlState ?? "")
                    } catch { states.value.append("\(error)") }
                }.start()
            }
            var x = try stand.connect()
            for statement in ["BEGIN", ticket, lock("a,b")] { try x.execute(statement) }
            // W makes a and commits, or waits for X.
            start(["BEGIN", ticket, lock("a"), insert, "COMMIT"])
            try eventually("W neither made its row nor waits") {
                try stand.number(
                    """
                    SELECT (SELECT count(*) FROM kpi WHERE group_key = 'a') + (SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event = 'advisory' AND datname = current_database())
                    """
                ) == 1
            }
            start(["BEGIN", ticket, lock("a,b"), "COMMIT"])
            try eventually("Y does not wait") {
                try stand.number(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND datname = current_database()
                    """) == (hasTicket ? 2 : 1)
            }
            do throws(PostgresError) {
                for statement in [insert, lock("a"), "COMMIT"] { try x.execute(statement) }
            } catch {
                states.value.append(error.sqlState ?? "")
                try x.execute("ROLLBACK")
            }
            others.wait()
            return states.value
        }
        #expect(states == (hasTicket ? [] : ["40P01"]))
    }
}

/// Something that one thread at a time uses.
final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// Looks again and again.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(60)
    while try !condition() {
        guard ContinuousClock.now < end else {
            throw SinkError(code: .refused, description: "not within 60 s: \(what)")
        }
        usleep(5_000)
    }
}
