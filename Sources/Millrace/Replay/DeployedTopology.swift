import Catalog
import Declaration

/// The topology that a catalogue has under a name, as it runs now.
enum DeployedTopology {
    /// - Returns: nil when this program cannot run its file, and everything there is to say about it.
    /// - Throws: `CatalogError` when there is none, `PostgresError`.
    static func load(
        _ name: String, _ overrides: RunOverrides, _ catalog: inout Catalog
    ) throws -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        guard let deployed = try catalog.deployments().first(where: { $0.topology == name }) else {
            throw try catalog.unknown(name)
        }
        let text = try catalog.version(deployed.version, of: name).file
        return TopologyLoader(overrides: overrides, rebuild: Rebuild(name: name)).load(text: text, from: name)
    }
}
