import ArgumentParser
import EventGenerator
import Testing

@testable import Millrace

@Suite struct GenerateOptionsTests {
    @Test func eventTimeAdvancesAtTheGivenRate() throws {
        #expect(try GenerateOptions.parse([]).feed().generator.options.eventsPerSecond == 10_000)
        #expect(try GenerateOptions.parse(["--rate", "50"]).feed().generator.options.eventsPerSecond == 50)
        let both = try GenerateOptions.parse(["--rate", "50", "--events-per-second", "7"]).feed()
        #expect(both.generator.options.eventsPerSecond == 7)
        #expect(both.rate == 50)
    }

    @Test func startIsAnInstant() throws {
        let feed = try GenerateOptions.parse(["--start", "2024-02-29T12:00:00Z"]).feed()
        #expect(feed.generator.options.start == 1_709_208_000_000)
        #expect(try GenerateOptions.parse([]).feed().generator.options.start == GameEvents.Options.startDefault)
        #expect(try GenerateOptions.parse(["--start", "now"]).feed().generator.options.start > 1_750_000_000_000)
    }

    @Test(arguments: [
        ["--users", "0"], ["--items", "2147483649"], ["--rate", "0"], ["--events-per-second", "0"], ["--bad", "1.5"],
        ["--bad", "nan"], ["--start", "yesterday"], ["--start", "0001-01-01T00:00:00Z"], ["--events", "-1"],
        ["--skip", "140737488355328"],
    ])
    func impossibleValuesAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try GenerateOptions.parse(arguments) }
    }
}
