import ArgumentParser
import EventGenerator
import FoundationEssentials

/// The options of a command that generates events.
struct GenerateOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "How many events to make. Without it they never end.")
    var events: UInt64?

    @Option(help: "Chooses the events: the same seed and options give the same bytes on every machine.")
    var seed: UInt64 = 1

    @Option(help: "The number of the first event; goes on where an earlier run has ended.")
    var skip: UInt64 = 0

    @Option(help: "How many players there are; few of them cause most events.")
    var users: UInt64 = 250_000

    @Option(
        help:
            "How many items there are; few of them occur in most events. Of 675000, 2 million events hold about 470000."
    )
    var items: UInt64 = 675_000

    @Option(help: "Event time of the first event, in RFC 3339, or 'now'.")
    var start: Start = Start(milliseconds: GameEvents.Options.startDefault)

    @Option(help: "Events per second of event time. (default: --rate, else 10000)")
    var eventsPerSecond: UInt64?

    @Option(help: "Events per second of real time. Without it, as many as are taken.")
    var rate: UInt64?

    @Option(
        help: ArgumentHelp("The share of malformed events, 0 to 1, to see dead letters with.", valueName: "fraction"))
    var bad: Double = 0

    func validate() throws {
        for (name, value) in [("--users", users), ("--items", items)]
        where !(1...SkewedRank.countMax).contains(value) {
            throw ValidationError("\(name): found \(value), expected 1 to \(SkewedRank.countMax).")
        }
        for (name, value) in [("--events-per-second", eventsPerSecond), ("--rate", rate)] {
            if let value, !(1...1_000_000_000).contains(value) {
                throw ValidationError("\(name): found \(value), expected 1 to 1000000000.")
            }
        }
        guard (0...1).contains(bad) else {
            throw ValidationError("--bad: found \(bad), expected a share from 0 to 1.")
        }
        guard skip < 1 << 47, events ?? 0 < 1 << 47 else {
            throw ValidationError("--skip and --events: expected less than 2^47 events.")
        }
    }

    /// The feed that these options describe.
    func feed() -> EventFeed {
        let options = GameEvents.Options(
            seed: seed, users: users, items: items, start: start.milliseconds,
            eventsPerSecond: eventsPerSecond ?? rate ?? 10_000,
            malformedShare: GameEvents.Options.malformedShare(of: bad))
        return EventFeed(generator: GameEvents(options), first: skip, count: events, rate: rate)
    }
}

extension GenerateOptions {
    /// An instant given on the command line.
    struct Start: ExpressibleByArgument {
        /// Since 1970.
        let milliseconds: Int64

        /// An instant by its number of milliseconds since 1970.
        init(milliseconds: Int64) {
            self.milliseconds = milliseconds
        }

        /// Reads `now` or RFC 3339 without a fraction, from 1971 to 2999; nil for anything else.
        init?(argument: String) {
            let date = argument == "now" ? Date.now : try? Date(argument, strategy: .iso8601)
            guard let date, (31_536_000...32_472_144_000).contains(date.timeIntervalSince1970) else { return nil }
            milliseconds = Int64(date.timeIntervalSince1970 * 1000)
        }

        var defaultValueDescription: String {
            Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
        }
    }
}
