import ArgumentParser

/// `millrace demo`: the whole way, from events to tables, with nothing to set up.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the whole way on this machine: events, broker, engine, Postgres, tables.",
        discussion: """
            Starts a private Postgres and the development broker, generates events into Kafka, runs \
            topologies/game_kpis.yaml (a copy is in this program) over them, compares the ledger with what was produced \
            and prints the tables. Nothing is left running or lying about, Ctrl-C included. Needs the programs of a \
            PostgreSQL server (initdb, postgres), and shows the tables with psql where there is one.
            """)

    @Option(name: [.short, .long], help: "How many events to send.")
    var events: UInt64 = 1_000_000

    @Option(help: "Chooses the events.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The share of malformed events, for the dead letters.", valueName: "fraction"))
    var bad = 0.0001

    @Option(help: "Partitions of the topic.")
    var partitions = 32

    @Flag(help: "Go on with 1000 events a second until Ctrl-C, to look at the tables while they change.")
    var keep = false

    func validate() throws {
        guard (1...1_000_000_000).contains(events) else {
            throw ValidationError("--events: found \(events), expected 1 to 1000000000.")
        }
        guard (0...0.5).contains(bad) else {
            throw ValidationError("--bad: found \(bad), expected a share from 0 to 0.5.")
        }
        guard (8...256).contains(partitions) else {
            throw ValidationError("--partitions: found \(partitions), expected 8 to 256.")
        }
    }

    func run() async throws {
        let show = DemoShow(events: events, seed: seed, badShare: bad, partitions: partitions, goesOn: keep)
        do {
            try await show.run()
        } catch is DemoShow.Interrupted {
            StandardError.write("millrace: stopped; nothing is left running")
            throw ExitCode(130)
        } catch {
            StandardError.write("millrace: \(error)")
            throw ExitCode(1)
        }
    }
}
