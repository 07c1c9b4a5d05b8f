import ArgumentParser
import Catalog
import Foundation

/// `millrace logs`: what a topology said, wherever it runs.
struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a topology logged, in all processes.")

    @Argument(help: "The topology.")
    var topology: String

    @Option(name: [.customShort("n"), .long], help: "The newest lines to show.")
    var lines = 100

    @Flag(name: .shortAndLong, help: "Go on showing new lines until interrupted.")
    var follow = false

    @OptionGroup var catalog: CatalogOptions

    func validate() throws {
        if !(1...10_000).contains(lines) { throw ValidationError("--lines: 1 to 10000") }
    }

    struct Row: Encodable {
        var at: String
        var daemon: String
        var level: String
        var message: String
        var details: String
    }

    func run() async throws {
        let (topology, lines, follow, json) = (topology, lines, follow, catalog.json)
        try await catalog.withCatalog(look: .init()) { catalog in
            let found = try Self.newest(lines, of: topology, &catalog)
            if json, !follow { return JSONAnswer.print(found.map(Self.row)) }
            found.forEach { Self.show($0, json) }
            var last = found.last?.id ?? 0
            while follow {
                Thread.sleep(forTimeInterval: 0.5)
                let more = try catalog.log(of: topology, after: last, count: 10_000)
                more.forEach { Self.show($0, json) }
                last = more.last?.id ?? last
            }
        }
    }

    /// The newest lines of a topology.
    /// - Throws: `CatalogError` when there is none, and none of that name is deployed.
    static func newest(_ count: Int, of topology: String, _ catalog: inout Catalog) throws -> [LogLine] {
        let isKnown = try catalog.deployments().contains { $0.topology == topology }
        let found = try catalog.log(of: topology, count: count)
        if !isKnown, found.isEmpty { throw try catalog.unknown(topology) }
        return found
    }

    static func row(_ line: LogLine) -> Row {
        Row(
            at: Moment.text(line.at), daemon: line.daemon, level: line.level, message: line.message,
            details: line.details)
    }

    private static func show(_ line: LogLine, _ json: Bool) {
        if json {
            JSONAnswer.print(row(line))
        } else {
            print("\(Moment.text(line.at)) \(line.level.uppercased()) \(line.daemon) \(line.message) \(line.details)")
        }
        fflush(nil)
    }
}
