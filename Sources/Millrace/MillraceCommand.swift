import ArgumentParser

/// The program: one command per file in Commands/.
@main
struct MillraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Turns Kafka event streams into always-current Postgres summary tables, each event exactly once.",
        discussion: """
            Try it:          millrace demo
            Check a file:    millrace check topologies/game_kpis.yaml
            Run it:          millrace run topologies/game_kpis.yaml
            """,
        version: Version.text,
        subcommands: [
            Run.self, Check.self, Demo.self, Generate.self, BrokerCommand.self, VersionCommand.self,
            Reference.self,
        ]
    )

    static func main() async {
        Allocator.shareOneHeap()
        await main(nil)
    }
}
