import Catalog
import Foundation
import Platform
import Postgres
import Synchronization
import Testing

/// Commands that stop a topology, and what others do to it meanwhile.
@Suite struct StandstillTests {
    /// A topology `t` and its table, with what the engine keeps of them, as far as names and resets need it.
    private struct Stand: ~Copyable {
        var catalog: Catalog
        var connection: Connection

        init(_ name: String) throws {
            let settings = try CatalogTests.database(name)
            var catalog = try Catalog(connecting: settings)
            var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
            try connection.execute(
                """
                CREATE TABLE millrace.partitions (topology text COLLATE "C", topic text, partition integer, owner text,
                    owner_epoch bigint, read bigint, next_offset bigint);
                CREATE TABLE millrace.dead_letters (topology text COLLATE "C");
                CREATE TABLE millrace.lookup_generations (topology text COLLATE "C");
                CREATE TABLE millrace.lookup_ranges (topology text COLLATE "C");
                CREATE TABLE millrace.tables (topology text COLLATE "C", table_schema text, table_name text,
                    left_read bigint, columns text, shared boolean, has_rows boolean, storage bigint, complete_from jsonb);
                CREATE TABLE kpi (n integer);
                INSERT INTO kpi VALUES (1);
                INSERT INTO millrace.tables VALUES ('t', 'public', 'kpi', NULL, '', false, true, 0, NULL);
                INSERT INTO millrace.partitions VALUES ('t', 'a', 0, 'me', 3, 5, 5);
                """)
            _ = try catalog.deploy("t", file: "a", note: "", acceptsGaps: false, by: "me")
            self.catalog = catalog
            self.connection = connection
        }

        /// What is deployed, a line each.
        mutating func shown() throws -> [String] {
            try catalog.deployments().map { "\($0.topology) \($0.version) \($0.wanted) \($0.pausedFor)" }
        }
    }

    /// What somebody does while a command waits until nobody writes any more.
    enum Act: CaseIterable {
        case resume, deploy, restart, remove, stop

        func perform(_ catalog: inout Catalog) throws {
            switch self {
            case .resume: _ = try catalog.set("t", to: .running, by: "you@there")
            case .deploy: _ = try catalog.deploy("t", file: "c", note: "", acceptsGaps: false, by: "you@there")
            case .restart: try catalog.restart("t", by: "you@there")
            case .remove: try catalog.remove("t")
            case .stop: _ = try catalog.pause("t", for: "another", by: "you@there")
            }
        }

        var word: String {
            switch self {
            case .resume: "it was resumed by you@there"
            case .deploy: "version 2 was deployed by you@there"
            case .restart, .stop: "its run was changed by you@there"
            case .remove: "it was renamed or removed"
            }
        }
    }

    @Test(arguments: Act.allCases) func whatOthersDoMeanwhileIsNotUndone(act: Act) throws {
        var stand = try Stand("standstill_\(act)")
        let scope = try stand.catalog.resetScope(of: "t", table: nil)
        let base = try stand.catalog.pause("t", for: "reset", by: "me")
        try stand.catalog.checkIsPaused("t", base)
        try act.perform(&stand.catalog)
        let before = try stand.shown()
        for refused in [
            CatalogTests.refusal { try stand.catalog.checkIsPaused("t", base) },
            CatalogTests.refusal { try stand.catalog.reset(scope, base) },
            CatalogTests.refusal { _ = try stand.catalog.rename("t", base, to: "u", file: "b", by: "me") },
        ] {
            #expect(refused?.code == .moved)
            #expect(refused?.description.contains(act.word) == true, "\(refused?.description ?? "nothing")")
        }
        #expect(try stand.connection.query("SELECT count(*) FROM kpi").int64(0, 0) == 1)
        #expect(try stand.connection.query("SELECT count(*) FROM millrace.partitions").int64(0, 0) == 1)
        // What the command puts back does not touch it either.
        if act != .remove { try stand.catalog.release("t", from: "reset", by: "me") }
        let after = try stand.shown()
        let isStillForReset = [.deploy, .restart].contains(act)
        #expect(after == (isStillForReset ? before.map { $0.replacing("paused reset", with: "running ") } : before))
    }

    @Test func whatStandsStillIsEmptied() throws {
        var stand = try Stand("standstill_reset")
        let base = try stand.catalog.pause("t", for: "reset", by: "me")
        try stand.catalog.reset(try stand.catalog.resetScope(of: "t", table: "kpi"), base)
        let found = try stand.connection.query(
            "SELECT (SELECT count(*) FROM kpi), complete_from->'rows'->>'events_before' FROM millrace.tables")
        #expect(try found.int64(0, 0) == 0 && found.text(0, 1) == "5")
        try stand.catalog.reset(try stand.catalog.resetScope(of: "t", table: nil), base)
        #expect(try stand.connection.query("SELECT count(*) FROM millrace.partitions").int64(0, 0) == 0)
        try stand.catalog.release("t", from: "reset", by: "me")
        #expect(try stand.shown() == ["t 1 running "])
    }

    /// A command that was killed is known by what it has paused; what a person has paused is theirs to resume.
    @Test func whatACommandHasPausedIsRemembered() throws {
        var stand = try Stand("standstill_names")
        let first = try stand.catalog.pause("t", for: "rename", by: "me")
        #expect(try stand.catalog.pause("t", for: "rename", by: "me") == first)
        #expect(try stand.shown() == ["t 1 paused rename"])
        #expect(try stand.catalog.deployments().map(\.intended) == [.running])
        _ = try stand.catalog.set("t", to: .paused, by: "me")
        #expect(try stand.shown() == ["t 1 paused "])
        var base = try stand.catalog.pause("t", for: "rename", by: "me")
        #expect(try stand.shown() == ["t 1 paused "])
        #expect(try stand.catalog.rename("t", base, to: "u", file: "b", by: "me") == 2)
        try stand.catalog.release("u", from: "rename", by: "me")
        #expect(try stand.shown() == ["u 2 paused "])
        _ = try stand.catalog.set("u", to: .running, by: "me")
        // Another command was killed; this one takes over.
        _ = try stand.catalog.pause("u", for: "promote", by: "me")
        base = try stand.catalog.pause("u", for: "rename", by: "me")
        #expect(try stand.catalog.rename("u", base, to: "t", file: "a", by: "me") == 3)
        #expect(try stand.shown() == ["t 3 running "])
        // A catalogue of an earlier version has no such column.
        try stand.connection.execute("ALTER TABLE millrace.deployments DROP COLUMN paused_for")
        stand.catalog = try Catalog(connecting: try CatalogTests.settings("standstill_names"))
        #expect(try stand.shown() == ["t 3 running "])
    }

    @Test func whatStandsBesideIsDroppedAsItWasPaused() throws {
        var stand = try Stand("standstill_drop")
        let rebuild = try stand.catalog.rebuild("t", file: "b", note: "", by: "me").rebuild
        #expect(try stand.catalog.newer(than: rebuild) == nil)
        let base = try stand.catalog.pause(rebuild.name, for: "remove", by: "me")
        _ = try stand.catalog.set(rebuild.name, to: .running, by: "you@there")
        let refused = CatalogTests.refusal { try stand.catalog.drop(rebuild, base) }
        #expect(refused?.description.contains("it was resumed by you@there") == true)
        try stand.connection.execute("DROP TABLE kpi")
        try stand.catalog.drop(rebuild, try stand.catalog.pause(rebuild.name, for: "remove", by: "me"))
        #expect(try stand.shown() == ["t 1 running "])
    }

    /// What was deployed after a rebuild had begun would be gone when that takes its topology's place.
    @Test func aNewerVersionThanARebuildIsKnown() throws {
        var stand = try Stand("standstill_newer")
        let rebuild = try stand.catalog.rebuild("t", file: "b", note: "", by: "me").rebuild
        #expect(
            try stand.catalog.deploy("t", file: "c", note: "", acceptsGaps: false, by: "me")
                == .deployed(version: 3, .running))
        #expect(try stand.catalog.newer(than: rebuild) == 3)
        // The rebuild's own file undoes nothing.
        _ = try stand.catalog.deploy("t", file: "b", note: "", acceptsGaps: false, by: "me")
        #expect(try stand.catalog.newer(than: rebuild) == nil)
    }

    // MARK: - Plans

    private static func apply(
        _ file: String, on base: DeploymentBase, _ catalog: inout Catalog, _ change: () throws -> Void = {}
    ) throws -> Catalog.DeployOutcome {
        try catalog.deploy(
            "t", file: file, note: "", plan: "as shown", acceptsGaps: false, expected: base, by: "you",
            changingTables: change)
    }

    @Test func whatWasDecidedOnSomethingElseIsNotDeployed() throws {
        var catalog = try Catalog(connecting: try CatalogTests.database("moved"))
        let nothing = try catalog.base(of: "t")
        #expect(nothing == DeploymentBase(version: 0, generation: 0))
        var changes = 0
        _ = try Self.apply("a", on: nothing, &catalog) { changes += 1 }
        let late = CatalogTests.refusal { try Self.apply("b", on: nothing, &catalog) { changes += 1 } }
        #expect(late?.code == .moved)
        #expect(late?.description.contains("since then version 1 was deployed") == true)
        let first = try catalog.base(of: "t")
        try catalog.restart("t", by: "me")
        let restarted = CatalogTests.refusal { try Self.apply("b", on: first, &catalog) { changes += 1 } }
        #expect(restarted?.description.contains("since then its run was changed") == true)
        #expect(try catalog.versions(of: "t").map(\.file) == ["a"])
        #expect(changes == 1, "tables are changed for what is deployed only")
    }

    @Test func tablesThatCannotBeChangedAreNotDeployedFor() throws {
        struct Refused: Error {}
        var stand = try Stand("plan_refused")
        let base = try stand.catalog.base(of: "t")
        #expect(throws: Refused.self) { try Self.apply("b", on: base, &stand.catalog) { throw Refused() } }
        #expect(try stand.catalog.base(of: "t") == base)
    }

    /// While one applies a plan, another one who applies it, or deploys, waits, and sees what has come of it.
    @Test(arguments: [true, false]) func whoAppliesIsAlone(isAnotherPlan: Bool) async throws {
        let (settings, base) = try await onThread(named: "test") {
            var stand = try Stand("plan_alone_\(isAnotherPlan)")
            return (try CatalogTests.settings("plan_alone_\(isAnotherPlan)"), try stand.catalog.base(of: "t"))
        }
        let steps = Mutex<[String]>([])
        let (isInside, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let other = Task {
            try await onThread(named: "other") {
                isInside.wait()
                var catalog = try Catalog(connecting: settings)
                mayEnd.signal()
                if isAnotherPlan {
                    let refused = CatalogTests.refusal {
                        try Self.apply("b", on: base, &catalog) { steps.withLock { $0.append("again") } }
                    }
                    steps.withLock { $0.append("\(refused?.code == .moved)") }
                } else {
                    let outcome = try catalog.deploy("t", file: "c", note: "", acceptsGaps: false, by: "me")
                    steps.withLock { $0.append("\(outcome == .deployed(version: 3, .running))") }
                }
            }
        }
        try await onThread(named: "test") {
            var catalog = try Catalog(connecting: settings)
            let outcome = try Self.apply("b", on: base, &catalog) {
                isInside.signal()
                mayEnd.wait()
                // Until the other one has tried, and in vain.
                var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
                let tries = """
                    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'
                        AND query LIKE 'SELECT pg_try_advisory_xact_lock%' AND pid <> pg_backend_pid()
                    """
                let end = ContinuousClock.now + .seconds(20)
                var isThere = false
                while !isThere, .now < end { isThere = try connection.query(tries).int64(0, 0) ?? 0 > 0 }
                #expect(isThere)
                steps.withLock { $0.append("changed") }
            }
            #expect(outcome == .deployed(version: 2, .running))
        }
        try await other.value
        #expect(steps.withLock { $0 } == ["changed", "true"])
    }

    /// Both would have the same number, and each asker think that it is theirs.
    @Test func ofTwoWhoRebuildAtOnceOneIsRefused() async throws {
        _ = try Stand("rebuild_race")
        let settings = try CatalogTests.settings("rebuild_race")
        let began = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var catalog = try Catalog(connecting: settings)
                    do {
                        return try catalog.rebuild("t", file: "b\(number)", note: "", by: "me").rebuild.name
                    } catch let error as CatalogError {
                        return "\(error)"
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(began.count { $0 == "t@2" } == 1, "\(began)")
        #expect(began.count { $0.contains("t@2 is being rebuilt already") } == 3, "\(began)")
    }

    /// Making it anew is what a reset is for.
    @Test func aTableThatIsGoneIsNotInTheWayOfAReset() throws {
        var stand = try Stand("reset_gone")
        try stand.connection.execute("DROP TABLE kpi")
        let error = #expect(throws: CatalogError.self) { try stand.catalog.resetScope(of: "t", table: "kpi") }
        #expect(error.map { "\($0)" }?.contains("its table public.kpi is gone") == true)
        let scope = try stand.catalog.resetScope(of: "t", table: nil)
        #expect(scope.tables.isEmpty && scope.readsAgain && scope.messages == 5)
        let base = try stand.catalog.pause("t", for: "reset", by: "me")
        try stand.catalog.reset(scope, base)
        #expect(try stand.connection.query("SELECT count(*) FROM millrace.partitions").int64(0, 0) == 0)
    }
}
