import Postgres
import Testing

/// A table whose rows were made otherwise than its file says now.
@Suite struct TableMeaningTests {
    @Test func otherBoundsOfEventTimeAreNamed() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_bounds")
            _ = try stand.runs(stand.topology(window: "1m, too_late: 7d, too_early: 1h"))
            try stand.append(1)
            try stand.run(stand.topology(window: "1m, too_late: 1d, too_early: 1h")).expect(
                .code(1),
                "only if was the event time is at most 1h ahead of the clock of its partition, at most 7d behind it, "
                    + "is the event time is at most 1h ahead of the clock of its partition, at most 1d behind it")
            _ = try stand.runs(stand.topology(window: "1m, too_early: 1h, too_late: 168h"))
            #expect(try stand.count() == 4)
        }
    }

    /// Topologies whose rows mean something else than those of `filter: v > 0`, and what is said.
    private static func otherRows(_ stand: IdentityStand) -> [(text: String, words: String)] {
        [
            (stand.topology(filter: "v > 0", window: "1h"), "window was 1m, is 1h"),
            (
                stand.topology(filter: "v > 0", window: "{ size: 2m, every: 1m }"),
                "window was 1m, is 2m every 1m"
            ),
            (
                stand.topology(filter: "v > 0", window: "{ size: 1 day, zone: Europe/Berlin }"),
                "window was 1m, is 1 day in Europe/Berlin"
            ),
            (
                stand.topology(filter: "v > 0", metrics: "{ n: count(v) }"),
                "metric n was count(), is count(v integer)"
            ),
            (
                stand.topology(filter: "v > 0").replacing("window: 1m", with: "windows: [1m, 1h]"),
                "window was 1m, is 1h, 1m"
            ),
            (stand.topology(filter: "v > 0", metrics: "{ n: sum(v) }"), "metric n was count(), is sum(v integer)"),
            (
                stand.topology(filter: "v > 0", metrics: "{ n: { metric: count(), where: \"id == 'a'\" } }"),
                "metric n was count(), is count() where id == 'a'"
            ),
        ]
    }

    @Test func everythingThatDecidesWhatARowMeansIsCompared() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_changes")
            _ = try stand.runs(stand.topology(filter: "v > 0"))
            let before = try stand.state()
            let soft = [
                (stand.topology(filter: "v > 1"), "only if was v > 0, is v > 1"),
                (stand.topology(), "only if (v > 0) is gone"),
                (stand.topology(filter: "v > 0", sample: "1.50%"), "sample (1.5% by place) is new"),
                (stand.topology(filter: "v > 0", sample: "{ share: 2%, by: id }"), "sample (2% by id) is new"),
                (
                    stand.topology(
                        fields: "{ ts: timestamp, id: { path: v, type: text }, v: integer }", filter: "v > 0"),
                    "field id was text at id"
                ),
                (
                    stand.topology(
                        fields: "{ ts: timestamp, id: text, v: { type: integer, on_type_error: \"null\" } }",
                        filter: "v > 0"),
                    "field v was integer at v, anything else is a dead letter, is integer at v, anything else is null"
                ),
                (
                    stand.topology(
                        fields: "{ ts: timestamp, id: { type: text, max_bytes: 10 }, v: integer }", filter: "v > 0"),
                    "at most 10 bytes"
                ),
                (
                    stand.topology(fields: "{ ts: timestamp(ms), id: text, v: integer }", filter: "v > 0"),
                    "field ts was timestamp at ts"
                ),
                (
                    stand.topology(fields: "{ ts: timestamp, id: text, v: integer, w: integer }", filter: "v > 0"),
                    "field w (integer at w, anything else is a dead letter) is new"
                ),
            ]
            for (text, words) in soft {
                let complaint = try stand.run(text)
                complaint.expect(
                    .code(1), "table public.kpi: its rows were made of other events than this file's", words)
                complaint.expect(.code(1), "--from-now")
                #expect(!complaint.errors.contains("another table name"))
            }
            for (text, words) in Self.otherRows(stand) {
                let complaint = try stand.run(text, "--from-now")
                complaint.expect(.code(1), "table public.kpi", words)
                #expect(!complaint.errors.contains("millrace run FILE --from-now"))
            }
            #expect(try stand.state() == before)

            // Nothing of this makes a difference.
            try stand.append(1)
            let same = stand.topology(
                fields: "{ v: integer, unused: { type: text, on_type_error: \"null\" }, id: text, ts: timestamp }",
                filter: "(0 < v)"
            ).replacing("records:", with: "parsed:").replacing("from: records", with: "from: parsed")
            _ = try stand.runs(same)
            #expect(try stand.count() == 4)
        }
    }

    @Test func aChangeThatIsMeantIsRememberedWithItsPositions() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_accepted")
            _ = try stand.runs(stand.topology())
            try stand.append(2)
            let complaint = try stand.runs(stand.topology(filter: "v > 0"), "--from-now")
            #expect(complaint.errors.contains("WARNING"))
            #expect(try stand.count() == 5)
            let since = try stand.database.query(
                "SELECT complete_from->'definition'->>'since' IS NOT NULL, definition LIKE '%only if: v > 0%' FROM millrace.tables"
            )
            #expect(try since.bool(0, 0) == true)
            #expect(try since.bool(0, 1) == true)
            _ = try stand.runs(stand.topology(filter: "v > 0"))
        }
    }

    @Test func theSQLForANewMetricIsExact() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_new_metric")
            _ = try stand.runs(stand.topology())
            let text = stand.topology(
                metrics: "{ n: count(), s: sum(v), u: uniques(id), a: avg(v), p: \"percentiles(v, 50)\" }")
            let complaint = try stand.run(text)
            complaint.expect(.code(1), "ALTER TABLE \"public\".\"kpi\" ADD COLUMN \"s\" numeric, ADD COLUMN")
            let line = complaint.errors.split(separator: "\n").first { $0.contains("ALTER TABLE") } ?? ""
            let start = try #require(line.firstRange(of: "ALTER TABLE")).lowerBound
            let end = try #require(line.firstRange(of: ";")).upperBound
            try stand.sql(String(line[start..<end]))
            try stand.append(2)
            let second = try stand.runs(text)
            #expect(second.errors.contains("metric s counts from here"), "\(second.errors)")
            let row = try stand.database.query("SELECT n, s::bigint, u, a_count, p_p50 FROM kpi")
            #expect(try (0..<4).map { try row.int64(0, $0) } == [5, 2, 1, 2])
            let known = try stand.database.query(
                """
                SELECT complete_from->'metric s'->'positions' IS NOT NULL,
                    (complete_from->'metric s'->>'events_before')::bigint FROM millrace.tables
                """)
            #expect(try known.bool(0, 0) == true && known.int64(0, 1) == 3)

            // A quantile more is read from the sketch that is there.
            let more = text.replacing("percentiles(v, 50)", with: "percentiles(v, 50, 99)")
            let third = try stand.run(more)
            third.expect(
                .code(1), "ADD COLUMN \"p_p99\" double precision", "millrace.percentile(\"p_sketch\", 99.0 / 100)")
            let fill = third.errors.split(separator: "\n").first { $0.contains("UPDATE") } ?? ""
            for statement in fill.split(separator: ";").prefix(2) {
                let words = try #require(statement.firstRange(of: /ALTER|UPDATE/)).lowerBound
                try stand.sql(String(statement[words...]))
            }
            _ = try stand.runs(more)
            #expect(try stand.database.number("SELECT round(p_p99)::bigint FROM kpi") == 1)
        }
    }

    /// Nothing was read yet: nothing can be lost.
    @Test func aTableWithoutRowsGetsColumnsToo() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_no_rows", events: 0)
            _ = try stand.runs(stand.topology())
            let more = stand.topology(metrics: "{ n: count(), s: sum(v) }")
            let complaint = try stand.run(more)
            complaint.expect(.code(1), "table public.kpi: it has no column s")
            complaint.expect(.code(1), "ALTER TABLE \"public\".\"kpi\" ADD COLUMN \"s\" numeric;")
            #expect(!complaint.errors.contains("DROP TABLE"), "\(complaint.errors)")
            _ = try stand.runs(more, "--migrate")
            // One that goes leaves a column that no row has a value in.
            _ = try stand.runs(stand.topology())
            let other = try stand.run(stand.topology(by: "[v]"))
            other.expect(.code(1), "it exists and has another shape")
            other.expect(.code(1), "DROP TABLE")
            try stand.append(2)
            _ = try stand.runs(more)
            #expect(try stand.database.number("SELECT (n * 10 + s)::bigint FROM kpi") == 22)
            #expect(try stand.database.query("SELECT complete_from FROM millrace.tables").isNull(0, 0))
        }
    }

    /// A metric may bring a field of its own along, as long as that makes no dead letters.
    @Test func aFieldThatOnlyANewMetricReadsIsNoOtherMeaning() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_new_field")
            _ = try stand.runs(stand.topology())
            func more(_ field: String) -> String {
                stand.topology(
                    fields: "{ ts: timestamp, id: text, v: integer, w: { \(field) } }",
                    metrics: "{ n: count(), most: max(w) }")
            }
            try stand.run(more("type: integer, required: true, on_type_error: \"null\""), "--migrate").expect(
                .code(1), "field w (integer at w, required, anything else is null) is new")
            let runs = try stand.runs(more("type: integer, on_type_error: \"null\""), "--migrate")
            #expect(!runs.errors.contains("other events"), "\(runs.errors)")
            try stand.append(lines: [#"{"id":"a","v":1,"w":7,"ts":"2024-02-01T00:00:00Z"}"#])
            _ = try stand.runs(more("type: integer, on_type_error: \"null\""))
            #expect(try stand.database.number("SELECT (n * 10 + most)::bigint FROM kpi") == 47)
        }
    }

    /// What was not written for a while is made anew from the sketch, by the statement that is named.
    @Test(arguments: ["--migrate", "--from-now"])
    func aPercentileThatComesBackDoesNotStandStill(way: String) async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_returned_\(way.dropFirst(2).replacing("-", with: "_"))")
            let first = stand.topology(metrics: "{ p: 'percentiles(v, 50, 95)' }")
            let second = stand.topology(metrics: "{ p: 'percentiles(v, 50, 99)' }")
            _ = try stand.runs(first)
            _ = try stand.runs(second, "--migrate", "--from-now")
            try stand.append(lines: (0..<10).map { #"{"id":"a","v":\#($0 * 50),"ts":"2024-02-01T00:00:00Z"}"# })
            _ = try stand.runs(second)
            let refused = try stand.run(first)
            refused.expect(.code(1), "its column p_p95 was not written for a while")
            refused.expect(
                .code(1), #"UPDATE "public"."kpi" SET "p_p95" = millrace.percentile("p_sketch", 95.0 / 100);"#)
            // Mended, or accepted as it is.
            let runs = try stand.runs(first, "--from-now", way)
            let old = "SELECT count(*) FROM kpi WHERE p_p95 IS DISTINCT FROM millrace.percentile(p_sketch, 0.95)"
            if way == "--migrate" {
                #expect(try stand.database.number(old) == 0, "\(runs.errors)")
                #expect(!runs.errors.contains("p_p95 was not written"), "\(runs.errors)")
            } else {
                #expect(runs.errors.contains("p_p95 was not written"), "\(runs.errors)")
                #expect(
                    try stand.database.number("SELECT count(*) FROM millrace.tables WHERE complete_from ? 'metric p'")
                        == 1)
            }
            _ = try stand.runs(first)
        }
    }

    @Test func aMetricThatWasRemovedDoesNotStandStillUnseen() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_removed")
            let both = stand.topology(metrics: "{ n: count(), s: sum(v) }")
            _ = try stand.runs(both)
            try stand.run(stand.topology()).expect(.code(1), "ALTER TABLE \"public\".\"kpi\" DROP COLUMN \"s\";")
            _ = try stand.runs(stand.topology(), "--from-now")
            try stand.append(4)
            _ = try stand.runs(stand.topology())
            // And does not go on behind a gap.
            try stand.run(both).expect(.code(1), "metric s is new, and its column s holds values already")
            try stand.sql("ALTER TABLE kpi DROP COLUMN s, ADD COLUMN s numeric")
            try stand.append(1)
            _ = try stand.runs(both)
            #expect(try stand.database.number("SELECT (n * 10 + s)::bigint FROM kpi") == 81)
        }
    }

    @Test func aDatabaseOfAnotherEncodingKeepsDefinitionsToo() async throws {
        try await onOwnThread {
            let stand = try IdentityStand("meaning_utf8")
            _ = try stand.database.query(
                "CREATE DATABASE meaning_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
            let url = stand.database.url.replacing("/meaning_utf8", with: "/meaning_latin1")
            let text = stand.topology(filter: "id != '\u{17c}\u{f3}\u{142}w'")
            _ = try stand.runs(text, url: url)
            _ = try stand.runs(text, url: url)
            try stand.run(stand.topology(filter: "id != '\u{17c}o\u{301}\u{142}w'"), url: url).expect(
                .code(1), #"only if was id != '\u{17c}\u{f3}\u{142}w', is id != '\u{17c}o\u{301}\u{142}w'"#)
        }
    }
}
