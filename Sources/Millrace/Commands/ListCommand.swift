import ArgumentParser
import Catalog
import Foundation

/// `millrace list`: what is deployed.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what is deployed, or the versions of a topology.")

    @Argument(help: "A topology, to list its versions.")
    var topology: String?

    @OptionGroup var catalog: CatalogOptions

    struct Row: Encodable, Sendable {
        var topology: String
        var version: Int
        var wanted: String?
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
        let rows = try await catalog.withCatalog { catalog -> [Row] in
            guard let name else {
                return try catalog.deployments().map { deployment in
                    let version = try catalog.version(deployment.version, of: deployment.topology)
                    return Row(
                        topology: deployment.topology, version: deployment.version, wanted: deployment.wanted.rawValue,
                        by: version.deployedBy, at: Moment.text(version.deployedAt), note: version.note,
                        digest: version.digest)
                }
            }
            return try Self.versions(of: name, &catalog)
        }
        if catalog.json { return JSONAnswer.print(rows) }
        guard !rows.isEmpty else {
            return Swift.print("nothing is deployed in this database; millrace deploy FILE deploys a topology")
        }
        Swift.print(
            TextTable(
                [["topology", "version", name == nil ? "wanted" : "digest", "deployed by", "at", "note"]]
                    + rows.map {
                        [
                            $0.topology, "\($0.version)", $0.wanted ?? String($0.digest.prefix(12)), $0.by, $0.at,
                            $0.note,
                        ]
                    }))
    }
}
