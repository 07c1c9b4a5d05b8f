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

    @Option(
        help: ArgumentHelp("How long to wait until it runs again, once it has stopped.", valueName: "duration"))
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
                let base = try Settling.stop(topology, for: "rename", by: CatalogOptions.person, &catalog)
                guard base.version == current.version else {
                    throw Refusal(
                        description: "topology \(topology): version \(base.version) was deployed meanwhile; try again")
                }
                let version = try catalog.rename(
                    topology, base, to: name, file: file, by: CatalogOptions.person)
                return "version \(version), was \(topology) before"
            } catch {
                let paused = before.filter { $0.intended == .running }
                throw Settling.putBack(paused, from: "rename", after: error, try database.settings()) { catalog in
                    guard try catalog.deployments().contains(where: { $0.topology == name }) else { return nil }
                    if (error as? CatalogError)?.code == .moved {
                        return Refusal(
                            description: "topology \(topology) is called \(name) already; somebody else did it")
                    }
                    return Refusal(description: "\(error)\nIt was renamed all the same, and goes on as \(name)")
                }
            }
        }
    }

    /// A file of an earlier version under the name that its topology has now; a name that comes from a variable is left as
    /// it is.
    /// - Parameter topology: what it is deployed as.
    /// - Throws: `Refusal` when the name cannot stand in the file.
    static func earlier(_ file: String, of topology: String) throws -> String {
        // What stands beside a topology is deployed with the file as it is.
        let name = Rebuild(name: topology)?.topology ?? topology
        guard let old = TopologyLoader(needsEnds: false).declaration(of: file, named: name)?.name, old != name,
            place(of: old, in: file) != nil
        else { return file }
        return try renamed(file, from: old, to: name)
    }

    /// A topology file with another name in it, and nothing else changed.
    /// - Throws: `Refusal` when the name is none, or the old one does not stand in the file as it is.
    static func renamed(_ file: String, from old: String, to new: String) throws -> String {
        let loader = TopologyLoader(needsEnds: false)
        guard let (line, column) = place(of: old, in: file) else {
            throw Refusal(
                description:
                    "the name \(old) does not stand in the deployed file as it is, perhaps it comes from a variable; "
                    + "deploy a file in which it does first")
        }
        var lines = lines(of: file)
        lines[line] = lines[line].prefix(column) + new + lines[line].dropFirst(column + old.count)
        let text = lines.joined(separator: "\n")
        guard loader.declaration(of: text, named: new)?.name == new else {
            let problem = loader.load(text: text, from: new).diagnostics.all.first { $0.code == "bad-name" }
            throw Refusal(
                description: problem.map { [$0.message, $0.hint].compactMap(\.self).joined(separator: "; ") }
                    ?? "\(new) is not allowed as a topology's name")
        }
        return text
    }

    /// The line and the column, from 0, at which the name of a topology stands in its file as it is; nil when it does not.
    private static func place(of name: String, in file: String) -> (line: Int, column: Int)? {
        let found = TopologyLoader(needsEnds: false).declaration(of: file, named: name)
        let lines = lines(of: file)
        guard let found, found.name == name, lines.indices.contains(found.nameLocation.line - 1) else {
            return nil
        }
        let line = lines[found.nameLocation.line - 1]
        let tail = line.dropFirst(found.nameLocation.column - 1)
        let quotes = tail.prefix { "\"'".contains($0) }.count
        guard tail.dropFirst(quotes).hasPrefix(name) else { return nil }
        // Where there is no name, the file's beginning stands for it: a key.
        guard !tail.dropFirst(quotes + name.count + quotes).hasPrefix(":") else { return nil }
        return (found.nameLocation.line - 1, found.nameLocation.column - 1 + quotes)
    }

    private static func lines(of file: String) -> [String] {
        file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
