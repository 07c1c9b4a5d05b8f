import Catalog
import Postgres
import Testing

/// Names and numbers that others count on.
extension CatalogTests {
    /// Numbers of what stands beside a topology, or has left tables there, are not given again.
    @Test func versionsLeaveTheNumbersOfRebuildsOut() throws {
        let settings = try Self.database("numbers")
        var catalog = try Catalog(connecting: settings)
        func deploy(_ file: String) throws -> Catalog.DeployOutcome {
            try catalog.deploy("t", file: file, note: "", acceptsGaps: false, by: "me")
        }
        #expect(try deploy("a") == .deployed(version: 1, .running))
        #expect(try catalog.rebuild("t", file: "b", note: "", by: "me").rebuild.name == "t@2")
        #expect(try deploy("c") == .deployed(version: 3, .running))
        // One that never had a table leaves nothing behind; others do until they are dropped.
        try catalog.remove("t@2")
        #expect(try catalog.rebuild("t", file: "b", note: "", by: "me").rebuild.name == "t@4")
        try catalog.remove("t@4")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute(
            """
            CREATE TABLE millrace.tables (topology text COLLATE "C", table_schema text, table_name text, left_read bigint);
            INSERT INTO millrace.tables VALUES ('t@4', 'public', 't__4', NULL), ('t@nothing', 'public', 't', NULL),
                ('tt@17', 'public', 't', NULL)
            """)
        #expect(try deploy("d") == .deployed(version: 5, .running))
        #expect(
            Self.refusal { try catalog.version(4, of: "t") }?.description
                == "topology t has no version 4, expected one of millrace list t")
    }

    /// Whoever replays dead letters finds them under the name that it knows, unless it was killed.
    @Test func namesStayWhileLettersAreReplayed() throws {
        let settings = try Self.database("replays")
        var catalog = try Catalog(connecting: settings)
        _ = try catalog.deploy("old", file: "a", note: "", acceptsGaps: false, by: "me")
        var connection = try Connection.connect(settings, deadline: .now + .seconds(20))
        try connection.execute(
            """
            CREATE TABLE millrace.partitions (topology text COLLATE "C", owner_epoch bigint, owner text);
            CREATE TABLE millrace.replays (topology text COLLATE "C", number bigint, instance text,
                started_at timestamptz DEFAULT now(), ended_at timestamptz);
            CREATE TABLE millrace.instances (topology text COLLATE "C", instance text, digest text, seen_at timestamptz);
            INSERT INTO millrace.replays VALUES ('old', 1, 'h:1:a'), ('old', 2, 'h:2:b');
            INSERT INTO millrace.instances VALUES ('old', 'h:1:a', '', now() - interval '16 seconds'),
                ('old', 'h:2:b', '', now())
            """)
        let base = try catalog.pause("old", for: "rename", by: "me")
        for refused in [
            Self.refusal { try catalog.checkNames("old", "new") },
            Self.refusal { try catalog.rename("old", base, to: "new", file: "b", by: "me") },
        ] {
            #expect(refused?.code == .locked)
            #expect(
                refused?.description.hasPrefix("topology old: dead letters of it are being replayed by h:2:b; ") == true
            )
        }
        #expect(try catalog.deployments().map(\.topology) == ["old"])
        try connection.execute("UPDATE millrace.replays SET ended_at = now() WHERE number = 2")
        try catalog.checkNames("old", "new")
        #expect(try catalog.rename("old", base, to: "new", file: "b", by: "me") == 2)
    }
}
