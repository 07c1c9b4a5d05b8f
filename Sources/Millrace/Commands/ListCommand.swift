import ArgumentParser
import Catalog
import Foundation

/// `millrace list`: what is deployed.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what is deployed and how it is, or the versions of a topology; print the file of a version.")

    @Argument(help: "A topology, to list its versions.")
    var topology: String?

    @Option(
        help: ArgumentHelp(
            "Print the file of this version, under the name that the topology has now.", valueName: "version"))
    var file: Int?

    @OptionGroup var catalog: CatalogOptions

    func validate() throws {
        if file != nil, topology == nil { throw ValidationError("--file: name the topology whose file it is") }
    }

    private struct File: Encodable, Sendable {
        var topology: String
        var version: Int
        var file: String
    }

    struct Row: Encodable, Sendable {
        var topology: String
        var version: Int
        var wanted: String?
        var state: String?
        var by: String
        var at: String
        var note: String
        var digest: String
    }

    /// The versions of a topology.
    /// - Throws: `CatalogError` when there is none of that name.
    static func versions(of name: String, _ catalog: inout Catalog) throws -> [Row] {
        let versions = try catalog.versions(of: name)
        if versions.isEmpty { throw try catalog.unknown(name) }
        return versions.map {
            Row(
                topology: name, version: $0.version, by: $0.deployedBy, at: Moment.text($0.deployedAt), note: $0.note,
                digest: $0.digest)
        }
    }

    func run() async throws {
        let name = topology
        if let name, let file {
            let found = try await catalog.withCatalog { catalog in
                File(
                    topology: name, version: file,
                    file: try RenameCommand.earlier(try catalog.version(file, of: name).file, of: name))
            }
            if catalog.json { return JSONAnswer.print(found) }
            return Swift.print(found.file, terminator: found.file.hasSuffix("\n") ? "" : "\n")
        }
        let look = CatalogOptions.Look<[Row]>(nothing: name == nil ? [] : nil)
        let rows = try await catalog.withCatalog(look: look) { catalog -> [Row] in
            guard let name else {
                let statuses = try TopologyStatus.all(&catalog)
                let states = Dictionary(statuses.map { ($0.topology, $0.state.rawValue) }) { $1 }
                return try catalog.deployments().map { deployment in
                    let version = try catalog.version(deployment.version, of: deployment.topology)
                    return Row(
                        topology: deployment.topology, version: deployment.version, wanted: deployment.wanted.rawValue,
                        state: states[deployment.topology], by: version.deployedBy, at: Moment.text(version.deployedAt),
                        note: version.note,
                        digest: version.digest)
                }
            }
            return try Self.versions(of: name, &catalog)
        }
        if catalog.json { return JSONAnswer.print(rows) }
        guard !rows.isEmpty else {
            return Swift.print("nothing is deployed in this database; millrace deploy FILE deploys a topology")
        }
        let heads = name == nil ? ["wanted", "state"] : ["digest"]
        Swift.print(
            TextTable(
                [["topology", "version"] + heads + ["deployed by", "at", "note"]]
                    + rows.map { row in
                        let middle = row.wanted.map { [$0, row.state ?? ""] } ?? [String(row.digest.prefix(12))]
                        return [row.topology, "\(row.version)"] + middle + [row.by, row.at, row.note]
                    }))
    }
}
