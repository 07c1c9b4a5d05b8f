import Testing

/// Replays of letters where the elements of arrays are the records.
@Suite struct ElementReplayTests {
    /// Elements that are values, with one of an array of keys and values beside them.
    @Test func elementsThatArePlainValuesAreReplayed() async throws {
        try await onOwnThread {
            var texts = 0
            let events = (0..<600).map { number in
                let values = (0..<(number % 5)).map { place -> String in
                    guard (number * 7 + place) % 50 == 7 else { return "\((number + place) % 31)" }
                    texts += 1
                    return "\"\(place)\""
                }
                return "{\"ts\":\"2026-01-01T00:0\(number % 10):00Z\",\"list\":[\(values.joined(separator: ","))],"
                    + "\"kv\":[{\"k\":\"c\",\"v\":\"DE\"},{\"v\":\"u\(number % 33)\",\"k\":\"u\"}]}"
            }
            let stand = try ReplayStand("replay_values", events: events)
            func text(_ mended: Bool) throws -> String {
                let plain = stand.text(mended: mended)
                let fields = "fields: { ts: timestamp, country: text, amount: integer, user: text }"
                try #require(plain.contains(fields))
                return plain.replacing(
                    fields,
                    with:
                        "each: list\n      fields: { ts: { path: ^.ts, type: timestamp }, country: { path: \"^.kv[k=c].v\", type: "
                        + "text }, amount: { path: \".\", type: integer }, user: { path: \"^.kv[k=u].v\", type: text } }"
                )
            }
            try stand.run(text(false))
            #expect(
                try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == Int64(texts) && texts > 5)
            try stand.run(text(true), ["--from-now"])
            let answer = try stand.replay(text(true))
            #expect(answer.applied == Int64(texts) && answer.letters == Int64(texts), "\(answer)")
            try stand.expectCleanRun(text(true), TestDatabase("replay_values_clean"))
        }
    }

    /// Documents, and elements that hold others, which were bad as a whole: what is in them are records now.
    @Test func whatHoldsRecordsIsReplayedAsThese() async throws {
        try await onOwnThread {
            func item(_ number: Int) -> String { "{\"amount\":\(number % 10 == 3 ? "\"x\"" : "\(number % 31)")}" }
            let events = (0..<400).map { number in
                let orders = (0..<(number % 4)).map { place -> String in
                    // Every fifth lacks its items, and every seventh has its country as a number.
                    let items = (0..<place).map { item(number + $0) }.joined(separator: ",")
                    let country = (number + place) % 7 == 1 ? "7" : "\"\(["DE", "FR"][place % 2])\""
                    return "{\"country\":\(country)" + ((number + place) % 5 == 2 ? "}" : ",\"items\":[\(items)]}")
                }
                let user = number % 3 == 0 ? "\(number)" : "\"u\(number % 33)\""
                return
                    "{\"ts\":\"2026-01-01T00:0\(number % 10):00Z\",\"user\":\(user),\"orders\":[\(orders.joined(separator: ","))]}"
            }
            let stand = try ReplayStand("replay_holders", events: events)
            func text(_ mended: Bool) throws -> String {
                let plain = stand.text(mended: false)
                let fields = "fields: { ts: timestamp, country: text, amount: integer, user: text }"
                try #require(plain.contains(fields))
                let accept = mended ? ", accept: text" : ""
                return plain.replacing(
                    fields,
                    with:
                        "each: { path: \"orders[].items\", optional: \(mended) }\n      fields: { ts: { path: ^^.ts, type: "
                        + "timestamp }, country: { path: ^.country, type: text\(accept) }, amount: integer, "
                        + "user: { path: ^^.user, type: text\(accept) } }")
            }
            try stand.run(text(false))
            let causes = try stand.database.query(
                "SELECT DISTINCT cause || CASE WHEN payload LIKE '{\"ts\"%' THEN ' document' WHEN payload LIKE '{\"country%' THEN "
                    + "' order' ELSE '' END FROM (SELECT cause, convert_from(payload, 'UTF8') AS payload FROM "
                    + "millrace.dead_letters) AS l ORDER BY 1")
            #expect(
                try (0..<causes.rowCount).map { try causes.text($0, 0) } == [
                    "no_elements order", "wrong_type", "wrong_type document", "wrong_type order",
                ])
            try stand.run(text(true), ["--from-now"])
            let before = try TableDump(of: stand.database, ReplayStand.tables)
            let rehearsed = try stand.replay(text(true), ["--all", "--dry-run"])
            #expect(try TableDump(of: stand.database, ReplayStand.tables).differences(from: before).isEmpty)
            let answer = try stand.replay(text(true))
            #expect(answer == rehearsed)
            #expect(answer.untouched.isEmpty && answer.applied > 100, "\(answer)")
            #expect(answer.failed.map(\.reason) == ["wrong_type"], "\(answer)")
            try stand.expectCleanRun(text(true), TestDatabase("replay_holders_clean"))
            // What failed has letters of its own, and they fail again.
            let failed = try stand.database.number("SELECT count(*) FROM millrace.dead_letters")
            let again = try stand.replay(text(true))
            #expect(again.applied == 0 && again.letters == failed && again.failed.map(\.count) == [failed], "\(again)")
        }
    }

    /// Documents that were no objects: their elements are the records since `each` is there.
    @Test func documentsAreReplayedAsTheirElements() async throws {
        try await onOwnThread {
            let events = stride(from: 0, to: 600, by: 3).map { first in
                "[\(ReplayStand.events(first % 7, from: first).filter { !$0.contains("cut") }.joined(separator: ","))]"
            }
            let stand = try ReplayStand("replay_each", events: events)
            let mended = stand.text(mended: true).replacing("parse_json:\n", with: "parse_json:\n      each: \"[]\"\n")
            // A run that can use nothing ends with 1.
            #expect(try stand.start(stand.text(mended: false)).wait(within: .seconds(120)) == .code(1))
            #expect(
                try stand.database.number("SELECT count(*) FROM millrace.dead_letters WHERE cause = 'not_an_object'")
                    == Int64(events.count))
            try stand.run(mended, ["--from-now"])
            let answer = try stand.replay(mended)
            #expect(answer.untouched.isEmpty && answer.failed.isEmpty && answer.applied > 400, "\(answer)")
            // The clock of a partition is not what replays move.
            _ = try stand.database.query("UPDATE millrace.partitions SET event_time = '2026-01-01T00:01:00Z'")
            try stand.expectCleanRun(mended, TestDatabase("replay_each_clean"))
        }
    }
}
