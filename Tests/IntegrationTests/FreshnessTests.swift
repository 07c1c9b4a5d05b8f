import Postgres
import Testing

/// `millrace.freshness`: how far each table has got, and what holds it back.
@Suite struct FreshnessTests {
    private static func row(_ database: TestDatabase, _ table: String = "kpi") throws -> [String] {
        let found = try database.query(
            """
            SELECT topology, node, (complete_to AT TIME ZONE 'UTC')::text, held_back_by, lag_records::text,
                (lag BETWEEN now() - complete_to - interval '1 minute' AND now() - complete_to)::text,
                (last_commit BETWEEN now() - interval '1 hour' AND now())::text
            FROM millrace.freshness WHERE table_name = '\(table)'
            """)
        return try found.rowCount == 0 ? [] : (0..<7).map { try found.text(0, $0) ?? "-" }
    }

    @Test func whatAPartitionHasShownStandsBesideItsPosition() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("freshness_file", events: 0)
            // A record that is no good shows nothing, one with a clock that is ahead completes nothing.
            try stand.append(lines: [
                #"{"id":"a","v":1,"ts":"2024-02-01T00:07:30Z"}"#, #"{"id":"a","v":1,"ts":"2024-02-01T00:05:00Z"}"#,
                #"{"id":"a","v":"x","ts":"2024-02-02T00:00:00Z"}"#, #"{"id":"a"}"#,
            ])
            _ = try stand.runs(stand.topology())
            let first = try Self.row(stand.database)
            #expect(Array(first.prefix(3)) == ["t", "out", "2024-02-01 00:07:30"], "\(first)")
            #expect(first[3].hasPrefix("file:") && first[4...] == ["-", "true", "true"], "\(first)")
            try stand.append(lines: [#"{"id":"a","v":1,"ts":"2024-02-01T00:01:00Z"}"#])
            _ = try stand.runs(stand.topology())
            #expect(try Self.row(stand.database)[2] == "2024-02-01 00:07:30")
            // The query of docs/querying.md.
            let final =
                "SELECT count(*) FROM kpi k JOIN millrace.freshness f ON f.table_name = 'kpi' "
                + "WHERE k.window_start + interval '1 minute' <= f.complete_to"
            #expect(try stand.database.number(final) == 2)
            try stand.append(lines: [#"{"id":"a","v":1,"ts":"2999-01-01T00:00:00Z"}"#])
            _ = try stand.runs(stand.topology())
            let ahead =
                "SELECT count(*) FROM millrace.freshness WHERE complete_to = last_commit AND last_commit <= now()"
            #expect(try stand.database.number(ahead) == 1)
        }
    }

    @Test func theSlowestPartitionHoldsATableBackAndOneThatIsReadToItsEndDoesNot() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("freshness_parts")
            _ = try stand.runs(stand.topology())
            try stand.sql(
                "DELETE FROM millrace.partitions", "UPDATE millrace.tables SET feed = E'clicks\\nsales'",
                """
                INSERT INTO millrace.partitions (topology, topic, partition, next_offset, log_end, event_time, committed_at)
                VALUES ('t', 'clicks', 0, 90, 100, '2024-01-01 10:00Z', now()), ('t', 'clicks', 1, 50, 50, '2024-01-01 08:00Z', now()),
                    ('t', 'sales', 0, 7, 12, '2024-01-01 09:00Z', now()), ('t', 'other', 0, 0, 9, '2023-01-01Z', now()),
                    ('t', 'sales', 1, 0, NULL, NULL, NULL), ('u', 'sales', 0, 0, 5, '2022-01-01Z', now())
                """)
            #expect(
                try Self.row(stand.database) == ["t", "out", "2024-01-01 09:00:00", "sales[0]", "15", "true", "true"])
            try stand.sql(
                "UPDATE millrace.partitions SET next_offset = log_end WHERE topic = 'sales' AND partition = 0")
            #expect(try Array(Self.row(stand.database)[2...4]) == ["2024-01-01 10:00:00", "clicks[0]", "10"])
            try stand.sql("UPDATE millrace.partitions SET next_offset = log_end WHERE topic = 'clicks'")
            #expect(try Array(Self.row(stand.database)[2...4]) == ["2024-01-01 10:00:00", "-", "0"])
            // Of a partition that waits and has shown nothing, nobody knows what is in it.
            try stand.sql(
                "UPDATE millrace.partitions SET event_time = NULL, log_end = 99 WHERE topic = 'clicks' AND partition = 1"
            )
            #expect(try Array(Self.row(stand.database)[2...4]) == ["-", "clicks[1]", "49"])
        }
    }

    /// A partition that was read to its end is complete for as long as its owner goes on committing, and no longer:
    /// whether records have come since, only the owner can tell.
    @Test func whatWasReadToItsEndIsAsCompleteAsItsOwnerIsAlive() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("freshness_owners")
            _ = try stand.runs(stand.topology())
            func find(_ partitions: String) throws -> [String] {
                try stand.sql(
                    "DELETE FROM millrace.partitions", "UPDATE millrace.tables SET feed = E'clicks\\nsales'",
                    """
                    INSERT INTO millrace.partitions
                        (topology, topic, partition, owner, next_offset, log_end, event_time, committed_at)
                    VALUES \(partitions)
                    """)
                return try Array(Self.row(stand.database)[2...3])
            }
            let day = "2024-01-01"
            // The second instance has been dead since nine.
            let dead =
                "('t', 'clicks', 1, 'b', 50, 50, '\(day) 08:00Z', '\(day) 08:30Z'), "
                + "('t', 'sales', 1, 'b', 7, 7, NULL, '\(day) 09:00Z')"
            #expect(
                try find("('t', 'clicks', 0, 'a', 90, 90, '\(day) 13:55Z', '\(day) 14:00Z'), \(dead)")
                    == ["2024-01-01 09:00:00", "clicks[1]"])
            // Another of its partitions has got less far.
            #expect(
                try find("('t', 'sales', 0, 'b', 3, 9, '\(day) 07:00Z', '\(day) 09:00Z'), \(dead)")
                    == ["2024-01-01 07:00:00", "sales[0]"])
            // It commits again, to a topic of another table.
            #expect(
                try find(
                    "('t', 'clicks', 0, 'a', 90, 90, '\(day) 13:55Z', '\(day) 14:00Z'), \(dead), "
                        + "('t', 'other', 0, 'b', 1, 5, NULL, '\(day) 13:58Z'), "
                        + "('u', 'other', 0, 'b', 1, 5, NULL, '\(day) 15:58Z')") == ["2024-01-01 13:55:00", "-"])
            // Of partitions without an owner, each stands for itself.
            #expect(
                try find(
                    "('t', 'clicks', 0, NULL, 90, 90, '\(day) 13:55Z', '\(day) 14:00Z'), "
                        + "('t', 'clicks', 1, NULL, 9, 9, '\(day) 08:00Z', '\(day) 08:30Z')")
                    == ["2024-01-01 08:30:00", "clicks[1]"])
        }
    }

    @Test func aTopicsEndIsKnown() async throws {
        try await onOwnThread {
            let stream = try HostileStream("freshness_topic")
            try stream.produce((0..<50).map { #"{"ts":"2024-02-01T00:00:\#($0 + 10)Z"}"# })
            try stream.run(
                """
                  records:
                    from: events
                    parse_json: { event_time: ts, fields: { ts: timestamp } }
                  counts:
                    from: records
                    summarize: { window: 1m, metrics: { events: count() } }
                  table:
                    from: counts
                    postgres: { url: "${DATABASE_URL}", table: counts }
                """, messages: 50)
            let row = try Self.row(stream.database, "counts")
            #expect(Array(row.prefix(5)) == ["hostile", "table", "2024-02-01 00:00:59", "-", "0"], "\(row)")
            let ends = "SELECT count(*) FROM millrace.partitions WHERE log_end = 50 AND next_offset = 50"
            #expect(try stream.database.number(ends) == 1)
        }
    }
}
