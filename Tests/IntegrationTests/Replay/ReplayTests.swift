import Foundation
import Platform
import Postgres
import Testing

/// `millrace dead-letters replay`, from files: what a clean run of the mended topology makes of the same log is what there is
/// afterwards, byte for byte.
@Suite struct ReplayTests {
    @Test func mendedRecordsComeIntoTheirWindowsOnce() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_file", events: ReplayStand.events(5_000))
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.runRefusing(broken)
            // Refused by one table, and in the other one already.
            let refused = try stand.database.number(
                "SELECT count(*) FROM millrace.dead_letters WHERE cause = 'refused_row' AND refused_by = 'by_country'")
            #expect(refused > 600)
            try stand.run(mended, ["--from-now"])
            let before = try TableDump(of: stand.database, ReplayStand.tables)
            let rehearsed = try stand.replay(mended, ["--all", "--dry-run"])
            #expect(try TableDump(of: stand.database, ReplayStand.tables).differences(from: before).isEmpty)
            #expect(try stand.database.number("SELECT count(*) FROM millrace.replays") == 0)

            // By cause first, then what is left.
            let first = try stand.replay(mended, ["--cause", "refused_row"])
            #expect(first.letters == refused && first.applied == refused, "\(first)")
            let rest = try stand.replay(mended)
            #expect(rehearsed.applied == first.applied + rest.applied)
            #expect(rest.failed == [.init(reason: "truncated", count: 52)])
            #expect(rehearsed.failed == rest.failed)
            try stand.expectCleanRun(mended, TestDatabase("replay_file_clean"))
            // What is left fails again, and nothing else changes.
            #expect(try stand.replay(mended).applied == 0)
            #expect(try Ledger(of: stand.database).problems(messages: nil, records: 5_000) == [])
            let booked = try stand.database.query(
                "SELECT sum(applied)::bigint, sum(dead)::bigint, count(ended_at) FROM millrace.replays")
            #expect(try booked.int64(0, 0) == rehearsed.applied)
            #expect(try booked.int64(0, 1) == 104)
            #expect(try booked.int64(0, 2) == 3)
        }
    }

    /// Names mean nothing to tables, so a file with other names goes on with them; a letter means the table that lacks its
    /// record, whatever the node is called that has refused it.
    @Test func namesThatChangePlacesCountNothingTwice() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_swapped", events: ReplayStand.events(2_000))
            try stand.runRefusing(stand.text(mended: false))
            let refused = try stand.database.number(
                "SELECT count(*) FROM millrace.dead_letters WHERE refused_by = 'by_country'")
            #expect(refused > 200)
            let mended = stand.text(mended: true).replacing("by_country", with: "other")
                .replacing("  all: {", with: "  by_country: {").replacing("from: all", with: "from: by_country")
                .replacing("other", with: "all")
            // One that is under way reads letters by the names of before.
            _ = try stand.database.query(
                "INSERT INTO millrace.replays (topology, number, instance, choice) VALUES ('replayed', 1, 'x', 'all')")
            try stand.run(mended, ["--from-now"])
            #expect(try stand.database.number("SELECT commits FROM millrace.replays") == -1)
            let other = try stand.startReplay(stand.text(mended: true))
            #expect(try other.wait() == .code(1))
            #expect(other.errors.contains("nodes in front of its tables have other names"), "\(other.errors)")
            #expect(
                try stand.database.number("SELECT count(*) FROM millrace.dead_letters WHERE refused_by = 'all'")
                    == refused)
            #expect(try stand.replay(mended, ["--cause", "refused_row"]).applied == refused)
            _ = try stand.replay(mended)
            try stand.expectCleanRun(mended, TestDatabase("replay_swapped_clean"))
        }
    }

    /// The table that lacks the records is no longer written, and another node has the name of the one in front of it.
    @Test func aNameThatBelongsToAnotherTableNowTakesNoLetters() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_heir", events: ReplayStand.events(2_000))
            try stand.runRefusing(stand.text(mended: false))
            let heir = """
                topology: replayed
                commit_interval: 10ms
                nodes:
                  events: { \(stand.source) }
                  records:
                    from: events
                    parse_json:
                      accept: json
                      event_time: ts
                      fields: { ts: timestamp, country: text, amount: integer, user: text }
                  by_country: { from: records, summarize: { metrics: { n: count(), users: uniques(user), last: last(user) } } }
                  total: { from: by_country, postgres: { url: "${DATABASE_URL}", table: total } }
                """
            let before = try stand.database.number("SELECT n::bigint FROM total")
            try stand.run(heir)
            let answer = try stand.replay(heir, ["--cause", "refused_row"])
            #expect(answer.applied == 0 && answer.letters > 200, "\(answer)")
            #expect(answer.untouched.map(\.count).reduce(0, +) == answer.letters, "\(answer)")
            #expect(try stand.database.number("SELECT n::bigint FROM total") == before)
            // And it stays so when the file is started again.
            try stand.run(heir)
            #expect(try stand.replay(heir, ["--cause", "refused_row"]).applied == 0)
        }
    }

    /// The first line of a file that begins with a byte order mark, of which earlier versions made a dead letter.
    @Test func aRecordBehindAByteOrderMarkIsReplayed() async throws {
        try await onOwnThread {
            let events = ReplayStand.events(8)
            let stand = try ReplayStand("replay_mark", events: ["\u{feff}" + events[7]] + events.prefix(4))
            try stand.run(stand.text(mended: false))
            let places = try stand.database.query("SELECT \"offset\", cause FROM millrace.dead_letters")
            #expect(try places.rowCount == 1 && places.int64(0, 0) == 0 && places.text(0, 1) == "wrong_type")
            try stand.run(stand.text(mended: true), ["--from-now"])
            _ = try stand.database.query("UPDATE millrace.dead_letters SET cause = 'byte_order_mark'")
            let answer = try stand.replay(stand.text(mended: true), ["--cause", "byte_order_mark"])
            #expect(answer.applied == 1 && answer.letters == 1, "\(answer)")
            try stand.expectCleanRun(stand.text(mended: true), TestDatabase("replay_mark_clean"))
        }
    }

    @Test func whatTheMendedTopologyLeavesOutIsFilteredInTheLedger() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_filter", events: ReplayStand.events(2_000))
            let text = stand.text(mended: false).replacing("from: records, summarize", with: "from: wanted, summarize")
            try stand.run(text)
            let mended = text.replacing("accept: json", with: "accept: text")
                .replacing("amount >= 0", with: "amount >= 0 && amount % 2 == 0")
            try stand.run(mended, ["--from-now"])
            let before = try Ledger(of: stand.database)
            let answer = try stand.replay(mended, ["--cause", "wrong_type"])
            let after = try Ledger(of: stand.database)
            #expect(answer.letters > 30 && answer.filtered > 0 && answer.applied > 0, "\(answer)")
            #expect(answer.filtered + answer.applied == answer.letters)
            #expect(after.rows[0].filtered == before.rows[0].filtered + answer.filtered)
            #expect(after.rows[0].dead == before.rows[0].dead - answer.letters)
            #expect(after.problems(messages: nil, records: 2_000) == [])
        }
    }

    /// Killed anywhere, as often as it takes, and begun again; or several at once.
    @Test func killsAndOtherReplaysChangeNothing() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_kills", events: ReplayStand.events(60_000))
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.runRefusing(broken)
            try stand.run(mended, ["--from-now"])
            let letters = try stand.database.number("SELECT count(*) FROM millrace.dead_letters")
            var random = SeededRandom(seed: 11)
            var (kills, partly) = (0, 0)
            while true {
                let process = try stand.startReplay(mended, ["--all", "--commit-interval", "10ms"])
                // The first one is killed before it can be done.
                process.live(for: .milliseconds(kills == 0 ? 20 : Int.random(in: 150...900, using: &random)))
                guard process.isRunning else { break }
                process.kill()
                kills += 1
                let left = try stand.database.number("SELECT count(*) FROM millrace.dead_letters")
                #expect(try Ledger(of: stand.database).problems(messages: nil, records: 60_000) == [])
                if left < letters, left > 1_000 { partly += 1 }
                if kills == 8 { break }
            }
            #expect(kills > 0)
            let others = try (0..<3).map { _ in try stand.startReplay(mended, ["--all", "--commit-interval", "10ms"]) }
            for other in others { _ = try ReplayStand.answer(of: other) }
            try stand.expectCleanRun(mended, TestDatabase("replay_kills_clean"))
            print("replay: \(kills) kills, \(partly) of them in the middle, \(letters) letters")
        }
    }

    @Test func severalReplaysAtOnceBookEachLetterOnce() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_twice", events: ReplayStand.events(20_000))
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.runRefusing(broken)
            try stand.run(mended, ["--from-now"])
            let usable = try stand.replay(mended, ["--all", "--dry-run"]).applied
            let both = try (0..<2).map { _ in try stand.startReplay(mended, ["--all", "--commit-interval", "10ms"]) }
            let applied = try both.map { try ReplayStand.answer(of: $0).applied }
            #expect(applied.reduce(0, +) == usable, "\(applied)")
            try stand.expectCleanRun(mended, TestDatabase("replay_twice_clean"))
        }
    }

    /// A topology keeps its name, and its tables, while dead letters of it are replayed.
    @Test func namesStayWhileLettersAreReplayed() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_names", events: ReplayStand.events(2_000))
            let serve = try ServeStand(stand.database)
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.runRefusing(broken)
            let daemon = try serve.serve()
            try serve.succeed("deploy", serve.file(mended), "--from-now")
            try serve.wait(for: "replayed", toBe: "ended")
            func expectRefused(_ command: String..., replays: Int) throws {
                // It reads letters, and cannot book them yet.
                var holder = try Connection.connect(
                    ConnectionSettings(url: stand.database.url), deadline: .now + .seconds(20))
                try holder.execute("BEGIN; LOCK TABLE millrace.dead_letters IN SHARE MODE")
                let replay = try MillraceProcess(
                    ["dead-letters", "replay", "replayed", "--all"], environment: serve.environment)
                try replay.waitUntil("it is known") {
                    try stand.database.number("SELECT count(*) FROM millrace.replays") == replays
                }
                let refused = try serve.run(command)
                #expect(
                    refused.exit == .code(1)
                        && refused.errors.contains("topology replayed: dead letters of it are being replayed by"),
                    "\(refused.errors)")
                #expect(try serve.status("replayed").state == "ended")
                try holder.execute("COMMIT")
                #expect(try replay.wait(within: .seconds(120)) == .code(0), "\(replay.lastWords)")
            }
            try expectRefused("rename", "replayed", "mended", replays: 1)
            let changed = mended.replacing("amount: sum(amount)", with: "amount: max(amount)")
            try serve.succeed("rebuild", serve.file(changed, "changed.yaml"))
            try serve.wait(for: "replayed@2", toBe: "ended")
            try expectRefused("promote", "replayed", replays: 2)
            try serve.succeed("remove", "replayed@2", "--drop")
            try serve.succeed("rename", "replayed", "mended", "--wait", "60s")
            let names = "SELECT string_agg(DISTINCT topology, ' ') FROM millrace.replays WHERE ended_at IS NOT NULL"
            #expect(try stand.database.query(names).text(0, 0) == "mended")
            #expect(try Ledger(of: stand.database).problems(messages: nil, records: 2_000) == [])
            try stopInOrder([daemon])
        }
    }

    /// Whether a commit whose answer was lost has happened, the replay's row says.
    @Test func lostConnectionsChangeNothing() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_cut", events: ReplayStand.events(60_000))
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.runRefusing(broken)
            try stand.run(mended, ["--from-now"])
            let usable = try stand.replay(mended, ["--all", "--dry-run"]).applied
            let process = try stand.startReplay(mended, ["--all", "--commit-interval", "10ms"])
            var cuts: Int64 = 0
            while process.isRunning, cuts < 12 {
                cuts += try stand.database.number(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
                    """)
                process.live(for: .milliseconds(30))
            }
            #expect(cuts > 0)
            #expect(try ReplayStand.answer(of: process).applied == usable)
            try stand.expectCleanRun(mended, TestDatabase("replay_cut_clean"))
        }
    }

    @Test func aChangedFileIsNotReplayed() async throws {
        try await onOwnThread {
            let events = ReplayStand.events(1_000)
            let stand = try ReplayStand("replay_changed", events: events)
            let (broken, mended) = (stand.text(mended: false), stand.text(mended: true))
            try stand.run(broken)
            try stand.run(mended, ["--from-now"])
            let before = try TableDump(of: stand.database, ReplayStand.tables)
            // One record is another one of the same length; the file is the one that was read by its ends.
            let other = events.enumerated().map { $0 == 107 ? $1.replacing("u107", with: "x107") : $1 }
            _ = try stand.folder.file(named: "events.ndjson", other.map { $0 + "\n" }.joined())
            let answer = try stand.replay(mended, ["--cause", "wrong_type", "--dry-run"])
            #expect(answer.applied == 19 && answer.untouched.map(\.count) == [1], "\(answer)")
            #expect(answer.untouched.first?.reason.contains("another record stands at its place") == true)

            _ = try stand.folder.file(named: "events.ndjson", "{\"other\":1}\n")
            let gone = try stand.replay(mended)
            #expect(gone.applied == 0 && gone.untouched.map(\.count) == [gone.letters], "\(gone)")
            #expect(gone.untouched.first?.reason.contains("no file of the topology holds what was read") == true)
            #expect(try TableDump(of: stand.database, ReplayStand.tables).differences(from: before).isEmpty)

            // Under another name that the topology reads, it is found by what it holds.
            let moved = try stand.folder.file(named: "moved.ndjson", events.map { $0 + "\n" }.joined())
            let renamed = mended.replacing("events.ndjson", with: "*.ndjson")
            #expect(!moved.isEmpty)
            #expect(try stand.replay(renamed, ["--cause", "wrong_type"]).applied == 20)
        }
    }

    @Test func aWindowThatIsNoLongerKeptStaysDead() async throws {
        try await onOwnThread {
            let day = { (ago: Double) in Date.now.addingTimeInterval(-ago * 86_400).formatted(.iso8601) }
            let line = { (time: String, amount: String) in
                "{\"ts\":\"\(time)\",\"country\":\"DE\",\"amount\":\(amount),\"user\":\"u\"}"
            }
            let stand = try ReplayStand(
                "replay_keep", events: [line(day(0), "1"), line(day(0), "\"2\""), line(day(400), "\"4\"")])
            func text(_ mended: Bool) -> String {
                stand.text(mended: mended).replacing("table: countries", with: "table: countries, keep: 30d")
            }
            try stand.run(text(false))
            try stand.run(text(true), ["--from-now"])
            let answer = try stand.replay(text(true))
            #expect(answer.applied == 1, "\(answer)")
            #expect(answer.failed == [.init(reason: "forgotten", count: 1)])
            #expect(try stand.database.number("SELECT sum(amount)::bigint FROM countries") == 3)
            let letter = try stand.database.query("SELECT cause, node, reason FROM millrace.dead_letters")
            #expect(try letter.text(0, 0) == "forgotten" && letter.text(0, 1) == "countries")
            #expect(try letter.text(0, 2)?.contains("older than what table countries keeps") == true)
            // The table that keeps all has it, and does not get it again.
            #expect(try stand.database.number("SELECT n FROM total") == 3)
            #expect(try stand.replay(text(true)).failed.map(\.count) == [1])
            #expect(try stand.database.number("SELECT n FROM total") == 3)
            #expect(try Ledger(of: stand.database).problems(messages: nil, records: 3) == [])
        }
    }

    /// A longer life of rows brings none back: what was dropped gets no part of a row.
    @Test(arguments: [", keep: 500d", ""]) func whatWasDroppedStaysSoWhateverIsKeptNow(keep: String) async throws {
        try await onOwnThread {
            let day = { (ago: Double) in Date.now.addingTimeInterval(-ago * 86_400).formatted(.iso8601) }
            let lines = [(day(0), "1"), (day(400), "2"), (day(400), "\"4\""), (day(100), "\"8\""), (day(100), "16")].map
            {
                "{\"ts\":\"\($0)\",\"country\":\"DE\",\"amount\":\($1),\"user\":\"u\"}"
            }
            let stand = try ReplayStand("replay_dropped_\(keep.count)", events: lines)
            func text(_ mended: Bool, _ keep: String) -> String {
                stand.text(mended: mended).replacing("table: countries", with: "table: countries\(keep)")
            }
            for _ in 0..<2 { try stand.run(text(false, ", keep: 300d")) }
            #expect(try stand.database.number("SELECT sum(amount)::bigint FROM countries") == 17)
            try stand.run(text(true, keep), ["--from-now"])
            let answer = try stand.replay(text(true, keep))
            #expect(answer.applied == 1, "\(answer)")
            #expect(answer.failed == [.init(reason: "forgotten", count: 1)])
            #expect(try stand.database.number("SELECT sum(amount)::bigint FROM countries") == 25)
            #expect(try stand.database.number("SELECT n FROM total") == 5)
        }
    }

    /// What is late is told by the clock as it stood at the record's place, not by that of now.
    @Test func aReplayedRecordIsNoLaterThanItWas() async throws {
        try await onOwnThread {
            func line(_ day: Int, _ amount: String) -> String {
                "{\"ts\":\"2026-01-\(String(day + 100).dropFirst())T00:00:00Z\",\"country\":\"DE\",\"amount\":\(amount),"
                    + "\"user\":\"u\"}"
            }
            let early = (0..<150).map { _ in line(1, "1") }
            let late = (0..<150).map { _ in line(20, "1") }
            let stand = try ReplayStand(
                "replay_late", events: early + [line(1, "\"10\"")] + late + [line(1, "\"100\""), line(2, "1000")])
            // The late ones are ahead of the file's last change, so nothing vouches for them.
            let changed = try Date("2026-01-10T00:00:00Z", strategy: .iso8601)
            try FileManager.default.setAttributes([.modificationDate: changed], ofItemAtPath: stand.events)
            let bounds = "too_late: 2d\n      too_early: 1d"
            let (broken, mended) = (
                stand.text(mended: false, summary: bounds), stand.text(mended: true, summary: bounds)
            )
            try stand.run(broken)
            try stand.run(mended, ["--from-now"])
            let answer = try stand.replay(mended)
            // A hundred records were ahead of the clock before it moved.
            #expect(answer.letters == 103 && answer.applied == 1, "\(answer)")
            let failed = [("too_early", 100), ("too_late", 2)].map {
                ReplayStand.Answer.Count(reason: $0.0, count: $0.1)
            }
            #expect(answer.failed == failed, "\(answer)")
            try stand.expectCleanRun(mended, TestDatabase("replay_late_clean"))
        }
    }

    @Test func anotherDefinitionThanTheOneThatRunsIsRefused() async throws {
        try await onOwnThread {
            let stand = try ReplayStand("replay_definition", events: ReplayStand.events(200))
            try stand.run(stand.text(mended: false))
            let process = try stand.startReplay(stand.text(mended: true))
            #expect(try process.wait() == .code(1))
            #expect(
                process.errors.contains("dead letters are replayed by the definition that runs"), "\(process.errors)")
            #expect(try stand.database.number("SELECT count(*) FROM millrace.replays") == 0)
            let unsaid = try stand.startReplay(stand.text(mended: false), [])
            #expect(try unsaid.wait() != .code(0))
            #expect(unsaid.errors.contains("or give --all"), "\(unsaid.errors)")
        }
    }
}
