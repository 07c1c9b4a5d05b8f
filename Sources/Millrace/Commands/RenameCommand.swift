import ArgumentParser
import Catalog
import Declaration

/// `millrace rename`: a topology gets another name.
struct RenameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give a topology another name.",
        discussion: """
            It stops in order, its versions, positions and dead letters take the new name in one transaction, and it goes on \
            where it stopped, as a new version whose file says the new name. Its tables keep theirs. Change the name in your \
            own file too before you deploy that again. A Kafka source without group: gets the group of the new name.
            """)

    @Argument(help: "The topology.")
    var topology: String

    @Argument(help: ArgumentHelp("Its new name.", valueName: "new-name"))
    var name: String

    @Option(help: ArgumentHelp("How long to wait until it runs.", valueName: "duration"))
    var wait = TimeLength(argument: "30s")!

    @OptionGroup var catalog: CatalogOptions

    func run() async throws {
        let (topology, name, database) = (topology, name, catalog)
        try await ControlAnswer.run(name, catalog, wait: wait.duration) { catalog in
            try catalog.checkNames(topology, name)
            let before = try catalog.deployments().filter { $0.topology == topology }
            guard let current = before.first else { throw try catalog.unknown(topology) }
            let file = try Self.renamed(
                try catalog.version(current.version, of: topology).file, from: topology, to: name)
            StopSignal.watch()
            do {
                _ = try catalog.set(topology, to: .paused, by: CatalogOptions.person)
                try Settling.waitUntilPaused(topology, &catalog)
                let version = try catalog.rename(topology, to: name, file: file, by: CatalogOptions.person)
                _ = try catalog.set(name, to: current.wanted, by: CatalogOptions.person)
                return "version \(version), was \(topology) before"
            } catch {
                throw Settling.putBack(before, after: error, try database.settings()) { catalog in
                    guard try catalog.deployments().contains(where: { $0.topology == name }) else { return nil }
                    return Refusal(
                        description: "\(error)\nIt was renamed all the same; if it is paused: millrace resume \(name)")
                }
            }
        }
    }

    /// A topology file with another name in it, and nothing else changed.
    /// - Throws: `Refusal` when the name is none, or the old one does not stand in the file as it is.
    static func renamed(_ file: String, from old: String, to new: String) throws -> String {
        let loader = TopologyLoader(needsEnds: false)
        let place = loader.declaration(of: file, named: old).flatMap { $0.name == old ? $0.nameLocation : nil }
        var lines = file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let place, lines.indices.contains(place.line - 1) else { throw notFound(old) }
        let line = lines[place.line - 1]
        let quotes = line.dropFirst(place.column - 1).prefix { "\"'".contains($0) }.count
        let (head, tail) = (line.prefix(place.column - 1 + quotes), line.dropFirst(place.column - 1 + quotes))
        guard tail.hasPrefix(old) else { throw notFound(old) }
        lines[place.line - 1] = head + new + tail.dropFirst(old.count)
        let text = lines.joined(separator: "\n")
        guard loader.declaration(of: text, named: new)?.name == new else {
            let problem = loader.load(text: text, from: new).diagnostics.all.first { $0.code == "bad-name" }
            throw Refusal(
                description: problem.map { [$0.message, $0.hint].compactMap(\.self).joined(separator: "; ") }
                    ?? "\(new) is not allowed as a topology's name")
        }
        return text
    }

    private static func notFound(_ name: String) -> Refusal {
        Refusal(
            description:
                "the name \(name) does not stand in the deployed file as it is, perhaps it comes from a variable; "
                + "deploy a file in which it does first")
    }
}
