import Postgres
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

    /// A topology over orders with items, into two tables of the same rows.
    private static func orders(
        _ stand: ReplayStand, each: String = "\"orders[].items\"", fields: String = "o: { path: ^.o, type: integer }"
    ) -> String {
        """
        topology: replayed
        commit_interval: 10ms
        nodes:
          events: { \(stand.source) }
          records:
            from: events
            parse_json:
              each: \(each)
              fields: { v: integer, \(fields) }
          by_order: { from: records, summarize: { by: [o, v], metrics: { n: count() } } }
          countries: { from: by_order, postgres: { url: "${DATABASE_URL}", table: countries } }
          by_value: { from: records, summarize: { by: [o, v], metrics: { n: count() } } }
          total: { from: by_value, postgres: { url: "${DATABASE_URL}", table: total } }
        """
    }

    private static func expectClean(_ stand: ReplayStand, _ text: String, _ clean: TestDatabase) throws {
        _ = try stand.start(text, in: clean).wait(within: .seconds(120))
        let parts: [TableDump.Part] = [
            .summary("countries", hasWindow: false), .summary("total", hasWindow: false), .deadLetters, .ledger,
        ]
        let differences = try TableDump(of: stand.database, parts).differences(from: TableDump(of: clean, parts))
        #expect(differences.isEmpty, "\(differences)")
    }

    /// Nothing of a batch may be a record now, and keys may be written with escapes.
    @Test(arguments: [false, true])
    func whatHoldsNothingIsFiltered(isMixed: Bool) async throws {
        try await onOwnThread {
            let good = #"{"auftr\u00e4ge":[{"o":1,"items":[{"v":1}]},{"o":2,"items":[]},{"o":3}]}"#
            let events = Array(repeating: "{}", count: 30) + [isMixed ? good : #"{"a":1}"#]
            let stand = try ReplayStand("replay_nothing_\(isMixed)", events: events)
            let broken = Self.orders(stand, each: "\"aufträge[].items\"")
            let mended = Self.orders(stand, each: "{ path: \"aufträge[].items\", optional: true }")
            // A run that can use nothing ends with 1.
            _ = try stand.start(broken).wait(within: .seconds(120))
            try stand.run(mended, ["--from-now"])
            let answer = try stand.replay(mended)
            #expect(answer.untouched.isEmpty && answer.filtered == 31, "\(answer)")
            try Self.expectClean(stand, mended, TestDatabase("replay_nothing_\(isMixed)_clean"))
        }
    }

    /// Elements with the same bytes are told apart by their places.
    @Test func elementsThatAreAlikeAreToldApart() async throws {
        try await onOwnThread {
            let orders = (0..<4).map { #"{"o":\#($0),"items":[{"v":1},{"v":1}]}"# }
            let stand = try ReplayStand("replay_alike", events: [#"{"orders":[\#(orders.joined(separator: ","))]}"#])
            let text = Self.orders(stand)
            let nothing = try stand.folder.file(named: "nothing", "")
            try stand.run(text.replacing(stand.source, with: "file: \"\(nothing)\""))
            for (table, order) in [("countries", 1), ("total", 2)] {
                _ = try stand.database.query("ALTER TABLE \(table) ADD CONSTRAINT known CHECK (o <> \(order))")
            }
            try stand.run(text)
            #expect(try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == 4)
            _ = try stand.database.query("ALTER TABLE countries DROP CONSTRAINT known")
            let first = try stand.replay(text)
            #expect(first.applied == 2 && first.failed == [.init(reason: "refused_row", count: 2)], "\(first)")
            _ = try stand.database.query("ALTER TABLE total DROP CONSTRAINT known")
            #expect(try stand.replay(text).applied == 2)
            try Self.expectClean(stand, text, TestDatabase("replay_alike_clean"))
        }
    }

    /// Letters of versions that did not say which element it is: where that is not clear, nothing is booked.
    @Test func lettersWithoutTheElementAreKnownByTheirBytes() async throws {
        try await onOwnThread {
            let stand = try ReplayStand(
                "replay_unsaid",
                events: [
                    #"{"orders":[{"o":1,"s":1,"items":[{"v":1}]},{"o":2,"items":[{"v":1}]}]}"#,
                    #"{"orders":[{"o":1,"s":1,"items":[{"v":3}]},{"o":2,"s":1,"items":[{"v":2}]}]}"#,
                ])
            let text = Self.orders(stand)
            let nothing = try stand.folder.file(named: "nothing", "")
            try stand.run(text.replacing(stand.source, with: "file: \"\(nothing)\""))
            _ = try stand.database.query("ALTER TABLE countries ADD CONSTRAINT known CHECK (o <> 2)")
            try stand.run(text)
            _ = try stand.database.query("ALTER TABLE countries DROP CONSTRAINT known")
            #expect(try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == 2)
            _ = try stand.database.query("UPDATE millrace.dead_letters SET element = NULL")
            let mended = Self.orders(
                stand, fields: "o: { path: ^.o, type: integer }, s: { path: ^.s, type: integer, required: true }")
            try stand.run(mended, ["--from-now"])
            let answer = try stand.replay(mended)
            // Of the first document, an order is bad as a whole now, and its item is like that of the other one.
            let reason = "several records of its message are alike, and not all of them are dead letters"
            #expect(answer.applied == 1 && answer.untouched == [.init(reason: reason, count: 1)], "\(answer)")
            #expect(try stand.database.number("SELECT n FROM countries WHERE o = 1 AND v = 1") == 1)
            #expect(try Ledger(of: stand.database).problems(messages: nil, records: 4) == [])
        }
    }

    /// What is bad as a whole now keeps the letters of what is in it as they are.
    @Test func whatStandsInSomethingBadStays() async throws {
        try await onOwnThread {
            let stand = try ReplayStand(
                "replay_enclosed",
                events: [
                    #"{"r":1,"orders":[{"o":1,"s":1,"items":[{"v":1}]},{"o":2,"items":[{"v":1},{"v":"x"}]}]}"#,
                    #"{"orders":[{"o":"x","s":1,"items":[{"v":2}]},{"o":3,"s":1,"items":[{"v":3}]}]}"#,
                ])
            try stand.run(Self.orders(stand))
            // The value of the second order, and the first order of the second document.
            #expect(try stand.database.number("SELECT count(*) FROM millrace.dead_letters") == 2)
            let mended = Self.orders(
                stand,
                fields: "o: { path: ^.o, type: integer }, s: { path: ^.s, type: integer, required: true }, "
                    + "r: { path: ^^.r, type: integer, required: true }")
            try stand.run(mended, ["--from-now"])
            let before = try TableDump(of: stand.database, [.deadLetters, .ledger])
            let answer = try stand.replay(mended)
            let reason = "the document or the element that it stands in is bad as a whole now"
            #expect(answer.untouched == [.init(reason: reason, count: 2)], "\(answer)")
            #expect(try TableDump(of: stand.database, [.deadLetters, .ledger]).differences(from: before).isEmpty)
        }
    }
}
