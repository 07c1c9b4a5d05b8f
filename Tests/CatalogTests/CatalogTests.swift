import Catalog
import Foundation
import LocalServices
import Postgres
import Testing

/// The catalogue on a real Postgres.
@Suite struct CatalogTests {
    private static let cluster = Result<PrivatePostgres, LocalServiceError> {
        () throws(LocalServiceError) in try PrivatePostgres.start()
    }

    static func database(_ name: String) throws -> ConnectionSettings {
        try cluster.get().createDatabase(name)
        return try settings(name)
    }

    /// For one that is there already.
    static func settings(_ name: String) throws -> ConnectionSettings {
        try ConnectionSettings(url: cluster.get().url(database: name))
    }

    static func refusal<Value>(_ body: () throws -> Value) -> CatalogError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? CatalogError
        }
    }

    @Test func versionsAreKeptAndTheSameFileChangesNothing() throws {
        var catalog = try Catalog(connecting: try Self.database("versions"))
        let first = try catalog.deploy("t", file: "a", note: "one", acceptsGaps: true, by: "me@here")
        #expect(first == .deployed(version: 1, .running))
        try catalog.forgetGaps(of: "t", version: 1)
        let again = try catalog.deploy("t", file: "a", note: "two", acceptsGaps: false, by: "you@there")
        #expect(again == .unchanged(version: 1))
        let second = try catalog.deploy("t", file: "b", note: "", acceptsGaps: false, by: "you@there")
        #expect(second == .deployed(version: 2, .running))
        let versions = try catalog.versions(of: "t")
        #expect(versions.map(\.version) == [2, 1])
        #expect(versions.map(\.file) == ["b", "a"])
        #expect(versions.map(\.deployedBy) == ["you@there", "me@here"])
        #expect(versions.map(\.acceptsGaps) == [false, false])
        #expect(versions[1].digest == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
        let deployment = try #require(try catalog.deployments().first)
        #expect(deployment.version == 2)
        #expect(deployment.generation == 2)
        let found = Self.refusal { try catalog.version(3, of: "t") }
        #expect(found?.description == "topology t has no version 3, expected 1 to 2")
    }

    /// Of the latest run alone, and none of a topology that was removed meanwhile.
    @Test func deathsOfProcessesAreCountedByRun() throws {
        let settings = try Self.database("crashes")
        var catalog = try Catalog(connecting: settings)
        #expect(try catalog.crashes().isEmpty)
        _ = try catalog.deploy("t", file: "a", note: "", acceptsGaps: false, by: "me")
        for (generation, signal) in [(1, "SIGSEGV"), (2, "SIGSEGV"), (2, "SIGILL")] as [(Int64, String)] {
            try catalog.noteCrash(of: "t", generation: generation, daemon: "h/1:a", signal: signal)
        }
        try catalog.noteCrash(of: "other", generation: 7, daemon: "h/1:a", signal: "SIGBUS")
        let found = try catalog.crashes()
        #expect(found["t"]?.generation == 2 && found["t"]?.count == 2 && found["t"]?.signal == "SIGILL")
        #expect(found["other"]?.count == 1)
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute("UPDATE millrace.crashes SET at = at - interval '61 minutes' WHERE topology = 'other'")
        #expect(try Array(catalog.crashes().keys) == ["t"])
        try connection.execute("UPDATE millrace.crashes SET at = at - interval '1 day' WHERE topology = 'other'")
        try catalog.forgetLost()
        #expect(try connection.query("SELECT count(*) FROM millrace.crashes").int64(0, 0) == 3)
        try catalog.remove("t")
        #expect(try catalog.crashes().isEmpty)
    }

    @Test func aTopologyTakesWhatItHasToItsNewName() throws {
        let settings = try Self.database("renamed")
        var catalog = try Catalog(connecting: settings)
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute(
            """
            CREATE TABLE millrace.partitions (topology text, owner text, owner_epoch bigint);
            INSERT INTO millrace.partitions VALUES ('old', 'me', 3), ('other', 'me', 3);
            """)
        _ = try catalog.deploy("old", file: "a", note: "one", acceptsGaps: false, by: "me")
        _ = try catalog.deploy("other", file: "a", note: "", acceptsGaps: false, by: "me")
        _ = try catalog.set("old", RunSettings(workers: 2), by: "me")
        _ = try catalog.set("old", to: .paused, by: "me")
        #expect(Self.refusal { try catalog.checkNames("old", "other") }?.code == .nothingToDo)
        #expect(Self.refusal { try catalog.checkNames("none", "new") }?.code == .unknownTopology)
        try catalog.checkNames("old", "new")
        #expect(try catalog.rename("old", try catalog.base(of: "old"), to: "new", file: "b", by: "you") == 2)
        let deployments = try catalog.deployments()
        #expect(deployments.map(\.topology) == ["new", "other"])
        #expect(deployments[0].version == 2 && deployments[0].wanted == .paused && deployments[0].settings.workers == 2)
        #expect(try catalog.versions(of: "new").map(\.file) == ["b", "a"])
        let rows = try connection.query("SELECT topology, owner, owner_epoch FROM millrace.partitions ORDER BY 1")
        #expect(try rows.text(0, 0) == "new" && rows.isNull(0, 1) && rows.int64(0, 2) == 4)
        #expect(try rows.text(1, 0) == "other" && rows.int64(1, 2) == 3)
        // The old name is free again; the new one is not.
        try catalog.checkNames("other", "old")
        _ = try catalog.deploy("new@3", file: "a", note: "", acceptsGaps: false, by: "me")
        let beside = Self.refusal { try catalog.checkNames("new", "newer") }
        #expect(beside?.description.contains("new@3 stands beside it") == true)
        let base = try catalog.pause("other", for: "rename", by: "me")
        let taken = Self.refusal { try catalog.rename("other", base, to: "new", file: "b", by: "me") }
        #expect(taken?.code == .nothingToDo)
        #expect(try catalog.deployments().map(\.topology) == ["new", "new@3", "other"])
    }

    @Test func whatIsWantedIsChangedOnce() throws {
        var catalog = try Catalog(connecting: try Self.database("wanted"))
        _ = try catalog.deploy("t", file: "a", note: "", acceptsGaps: false, by: "me")
        let steps = [
            try catalog.set("t", to: .paused, by: "me"), try catalog.set("t", to: .paused, by: "me"),
            try catalog.set("t", to: .running, by: "me"), try catalog.set("t", to: .running, by: "me"),
        ]
        #expect(steps == [true, false, true, false])
        try catalog.restart("t", by: "me")
        var settings = try catalog.set("t", RunSettings(workers: 2, concurrency: ["a": 1]), by: "me")
        settings = try catalog.set("t", RunSettings(memoryBytes: 1 << 28, concurrency: ["b": 3]), by: "me")
        #expect(settings == RunSettings(workers: 2, memoryBytes: 1 << 28, concurrency: ["a": 1, "b": 3]))
        let deployment = try #require(try catalog.deployments().first)
        #expect(deployment.settings == settings)
        #expect(deployment.generation == 6)
        // Permits of all processes together are taken up by what runs: nothing begins anew.
        let shared = RunSettings(clusterConcurrency: ["a": 4])
        settings = try catalog.set("t", shared, by: "me")
        #expect(settings.clusterConcurrency == ["a": 4] && settings.workers == 2)
        #expect(try catalog.deployments().first?.settings == settings)
        #expect(try catalog.deployments().first?.generation == 6)
        // A paused topology stays paused under a new version.
        _ = try catalog.set("t", to: .paused, by: "me")
        #expect(
            try catalog.deploy("t", file: "b", note: "", acceptsGaps: false, by: "me") == .deployed(version: 2, .paused)
        )
        try catalog.remove("t")
        #expect(try catalog.deployments().isEmpty)
        // Its versions stay, and their numbers go on.
        #expect(
            try catalog.deploy("t", file: "c", note: "", acceptsGaps: false, by: "me")
                == .deployed(version: 3, .running))
    }

    @Test func whoIsUnknownIsNamedWithThoseThatAreNot() throws {
        var catalog = try Catalog(connecting: try Self.database("unknown"))
        let none = Self.refusal { try catalog.remove("x") }
        #expect(none?.description == "topology x is not deployed in this database; none is")
        for name in ["a", "b"] { _ = try catalog.deploy(name, file: name, note: "", acceptsGaps: false, by: "me") }
        for refused in [
            Self.refusal { try catalog.set("x", to: .paused, by: "me") },
            Self.refusal { try catalog.restart("x", by: "me") },
            Self.refusal { try catalog.set("x", RunSettings(workers: 1), by: "me") },
        ] {
            #expect(refused?.description == "topology x is not deployed in this database; these are: a, b")
            #expect(refused?.code == .unknownTopology)
        }
    }

    @Test func whoDeploysAtOnceTakesTurns() async throws {
        let settings = try Self.database("turns")
        let outcomes = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(
                                with: Result {
                                    // The tables are made by eight at once, too.
                                    var catalog = try Catalog(connecting: settings)
                                    let outcome = try catalog.deploy(
                                        "t", file: "\(number)", note: "", acceptsGaps: false, by: "me")
                                    guard case .deployed(let version, _) = outcome else { return 0 }
                                    return version
                                })
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.sorted() == Array(1...8))
    }

    @Test func changesAreHeardAndStatesAreTold() throws {
        let settings = try Self.database("heard")
        var daemon = try Catalog(connecting: settings)
        try daemon.listen()
        let silence = try daemon.waitForChange(until: .now + .milliseconds(20))
        #expect(!silence)
        var person = try Catalog(connecting: settings)
        _ = try person.deploy("t", file: "a", note: "", acceptsGaps: false, by: "me")
        let heard = try daemon.waitForChange(until: .now + .seconds(20))
        #expect(heard)
        var snapshot = RunSnapshot()
        snapshot.records = 17
        snapshot.troubles = ["waits\u{0} for it"]
        let state = TopologyState(
            topology: "t", daemon: "h/1:a", version: 1, generation: 1, kind: .running, reason: "a\u{0}b",
            since: 1_000_000,
            restarts: 2, snapshot: snapshot)
        try daemon.report(daemon: "h/1:a", program: "1", memoryBytes: 5, [state], gone: [])
        let found = try person.states(of: "t")
        #expect(found.map(\.reason) == ["a\u{FFFD}b"])
        #expect(found.map(\.kind) == [.running])
        #expect(found.map(\.snapshot.records) == [17])
        #expect(found.map(\.snapshot.troubles) == [["waits\u{FFFD} for it"]])
        #expect(found.map(\.since) == [1_000_000])
        #expect(try person.states(of: "u").isEmpty)
        #expect(try person.daemons().map(\.memoryBytes) == [5])
        try daemon.report(daemon: "h/1:a", program: "1", memoryBytes: 5, [], gone: ["t"])
        #expect(try person.states().isEmpty)
        try daemon.signOut(daemon: "h/1:a")
        #expect(try person.daemons().isEmpty)
    }

    @Test func figuresOfAnotherVersionOfTheProgramAreRead() throws {
        let found = try JSONDecoder().decode(RunSnapshot.self, from: Data(#"{"records": 3, "unheard_of": [1]}"#.utf8))
        var expected = RunSnapshot()
        expected.records = 3
        #expect(found == expected)
        #expect(try JSONDecoder().decode(RunSnapshot.self, from: Data("{}".utf8)) == RunSnapshot())
    }

    @Test func settingsThatAreRefusedChangeNothing() throws {
        struct Refused: Error {}
        var catalog = try Catalog(connecting: try Self.database("settings"))
        _ = try catalog.deploy("t", file: "a", note: "", acceptsGaps: false, by: "me")
        _ = try catalog.set("t", RunSettings(workers: 2), by: "me")
        var seen: [RunSettings] = []
        #expect(throws: Refused.self) {
            _ = try catalog.set("t", RunSettings(memoryBytes: 1), by: "me") { settings, version in
                seen.append(settings)
                #expect(version.file == "a")
                throw Refused()
            }
        }
        // Looked at is what would hold together, not the change alone.
        #expect(seen == [RunSettings(workers: 2, memoryBytes: 1)])
        #expect(try catalog.deployments().map(\.settings) == [RunSettings(workers: 2)])
    }

    @Test func silenceMakesAProcessLost() throws {
        let settings = try Self.database("lost")
        var catalog = try Catalog(connecting: settings)
        try catalog.report(daemon: "d", program: "1", memoryBytes: 1, [], gone: [])
        #expect(try catalog.daemons().map(\.isLost) == [false])
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute("UPDATE millrace.daemons SET seen_at = now() - interval '30 seconds'")
        #expect(try catalog.daemons().map(\.isLost) == [true])
        try catalog.forgetLost()
        #expect(try catalog.daemons().count == 1)
        try connection.execute("UPDATE millrace.daemons SET seen_at = now() - interval '2 days'")
        try catalog.forgetLost()
        #expect(try catalog.daemons().isEmpty)
    }

    @Test func theLogKeepsTheNewestLines() throws {
        var catalog = try Catalog(connecting: try Self.database("log"))
        let lines = (0..<2_100).map {
            LogLine(at: Int64($0), topology: "t", daemon: "d", level: "info", message: "\($0)", details: "a=1")
        }
        try catalog.append(lines)
        try catalog.append([LogLine(at: 0, topology: "u", daemon: "d", level: "info", message: "other", details: "")])
        try catalog.trimLog(of: "t")
        let all = try catalog.log(of: "t", count: 10_000)
        #expect(all.count == 2_000)
        #expect(all.first?.message == "100")
        #expect(try catalog.log(of: "t", count: 3).map(\.message) == ["2097", "2098", "2099"])
        let last = try #require(all.last)
        try catalog.append([LogLine(at: 0, topology: "t", daemon: "d", level: "info", message: "new\u{0}", details: "")]
        )
        #expect(try catalog.log(of: "t", after: last.id, count: 5).map(\.message) == ["new\u{FFFD}"])
        #expect(try catalog.log(of: "u", count: 5).map(\.message) == ["other"])
    }

    @Test func deadLettersAreCountedShownAndDiscarded() throws {
        let settings = try Self.database("letters")
        var catalog = try Catalog(connecting: settings)
        #expect(try catalog.deadLetters(of: nil).isEmpty)
        #expect(try catalog.discard(DeadLetterChoice(topology: "t")) == 0)
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute(
            """
            CREATE TABLE millrace.dead_letters (topology text, topic text, partition integer, "offset" bigint, line integer,
                reason text, payload bytea, message_time timestamptz, cause text, node text, field text, found text, key bytea,
                written_at timestamptz, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
            INSERT INTO millrace.dead_letters (topology, topic, partition, "offset", line, reason, payload, cause, node, field,
                found, written_at)
            SELECT 't', 'events', 0, n, 0, 'n is no number: ' || n, convert_to('{"n":"' || n || '"}', 'UTF8'),
                CASE WHEN n < 8 THEN 'wrong_type' ELSE 'empty' END, 'records', CASE WHEN n < 8 THEN 'n' END, n::text,
                '2026-01-01Z'::timestamptz + n * interval '1 second' FROM generate_series(1, 10) n;
            INSERT INTO millrace.dead_letters (topology, topic, partition, "offset", line, reason, payload)
            VALUES ('old', 'events', 1, 5, 2, 'of before', '\\xff00');
            """)
        let groups = try catalog.deadLetters(of: "t")
        #expect(groups.map(\.count) == [7, 3])
        #expect(groups.map(\.cause) == ["wrong_type", "empty"])
        #expect(groups[0].example == "n is no number: 7")
        #expect(groups[0].last == groups[0].first.map { $0 + 6_000_000 })
        #expect(try catalog.deadLetters(of: nil).map(\.topology) == ["t", "t", "old"])
        let shown = try catalog.deadLetters(DeadLetterChoice(topology: "t", cause: "wrong_type", field: "n"), count: 2)
        #expect(shown.map(\.payload) == ["{\"n\":\"7\"}", "{\"n\":\"6\"}"])
        let old = try #require(try catalog.deadLetters(DeadLetterChoice(topology: "old"), count: 9).first)
        #expect(old.payload == "\u{FFFD}\u{0}")
        #expect(old.cause == nil && old.writtenAt == nil && old.line == 2)
        #expect(try catalog.discard(DeadLetterChoice(topology: "t", ids: shown.map(\.id))) == 2)
        #expect(try catalog.discard(DeadLetterChoice(topology: "t", node: "other")) == 0)
        #expect(try catalog.discard(DeadLetterChoice(topology: "t", cause: "empty")) == 3)
        #expect(try catalog.deadLetters(of: "t").map(\.count) == [5])
    }
}
