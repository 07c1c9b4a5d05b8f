import Dataflow
import Logging
import Testing

@testable import Millrace

@Suite struct ProgressLineTests {
    private static func sample(_ change: (inout ProgressSnapshot) -> Void = { _ in }) -> ProgressReporter.Sample {
        var snapshot = ProgressSnapshot()
        snapshot.records = 123_456_789
        snapshot.lag = 98_765_432
        snapshot.lastCommit = .milliseconds(12_345)
        snapshot.deadLetters = 12_345
        snapshot.sources = [SourceSnapshot(name: "events", queuedBytes: 31 << 20)]
        snapshot.memory = MemoryAccount(budget: 1024 << 20)
        let parts: [(MemoryAccountant.Part, Int)] = [
            (.queues, 171), (.batches, 27), (.groups, 513), (.rows, 65), (.totals, 100), (.program, 32), (.kept, 8),
        ]
        for (part, mebibytes) in parts { snapshot.memory[part] = mebibytes << 20 }
        change(&snapshot)
        return ProgressReporter.Sample(snapshot, anonymous: 987 << 20)
    }

    @Test(arguments: [40, 79, 119, 200])
    func itFitsATerminalWhateverTheNumbers(columns: Int) {
        let line = ProgressReporter.line("game_kpis_of_all_platforms", Self.sample(), since: .init(), columns: columns)
        #expect(line.count <= columns)
        #expect(line.hasPrefix("game_kpis_of_all_platforms: 123M events"))
        if columns >= 119 {
            #expect(line.contains("916/1024 MiB (queues 31/171"))
            #expect(line.contains("anonymous 987"))
        }
    }

    @Test func itShowsEveryPartThatHoldsSomething() {
        let sample = Self.sample {
            $0.records = 1_234
            $0.lag = nil
            $0.deadLetters = 0
            $0.lastCommit = .milliseconds(35)
            $0.memory[.totals] = 0
        }
        let line = ProgressReporter.line("kpis", sample, since: sample, columns: 119)
        #expect(
            line
                == "kpis: 1234 events, 0/s, 816/1024 MiB (queues 31/171 batches 27 groups 513 rows 65 program 32 kept 8), "
                + "anonymous 987")
    }

    @Test func whatWasRefusedIsShownApart() {
        let sample = Self.sample { ($0.deadLetters, $0.refused) = (3, 4_900) }
        #expect(
            ProgressReporter.line("kpis", sample, since: .init(), columns: 119).contains(", dead 3, refused 4900, "))
        #expect(ProgressReporter.metadata("kpis", sample, since: .init())["refused"] == "4900")
        #expect(ProgressReporter.metadata("kpis", Self.sample(), since: .init())["refused"] == nil)
    }

    @Test func troubleGoesBeforeMemory() {
        let sample = Self.sample { $0.troubles = [String(repeating: "the database is away ", count: 9)] }
        let line = ProgressReporter.line("kpis", sample, since: .init(), columns: 79)
        #expect(line.contains(": the database is away"))
        #expect(line.count == 79)
    }

    @Test func aStandstillIsNewsAndIdlenessIsNot() {
        let before = Self.sample { $0.lag = 0 }
        #expect(!Self.sample { $0.lag = 0 }.hasNews(since: before))
        #expect(Self.sample { $0.lag = 1 }.hasNews(since: before))
        #expect(Self.sample { ($0.lag, $0.uncommitted) = (0, 1) }.hasNews(since: before))
        #expect(Self.sample { ($0.lag, $0.troubles) = (0, ["the database is away"]) }.hasNews(since: before))
        #expect(Self.sample { ($0.lag, $0.records) = (0, 123_456_790) }.hasNews(since: before))
    }

    @Test func theLogIsReadInADay() {
        let firstHour = (0..<70).reduce(Duration.zero) { $0 + ProgressReporter.logInterval(after: $1) }
        #expect(firstHour >= .seconds(3_600))
    }

    @Test(
        arguments: [
            (0, "0"), (9_999, "9999"), (12_345, "12k"), (1_000_000, "1M"), (1_250_000, "1.2M"), (98_765_432, "98.7M"),
            (123_456_789, "123M"), (9_900_000_000, "9.9G"),
        ] as [(Int64, String)])
    func largeNumbersAreShort(number: Int64, text: String) {
        #expect(ProgressReporter.short(number) == text)
    }

    @Test func theLogHasEveryPartAndTheAnonymousSize() {
        let metadata = ProgressReporter.metadata("kpis", Self.sample(), since: .init())
        for part in MemoryAccountant.Part.allCases { #expect(metadata["memory_\(part)_mib"] != nil) }
        #expect(metadata["anonymous_mib"] == "987")
        #expect(metadata["queued_mib"] == "31")
    }
}
