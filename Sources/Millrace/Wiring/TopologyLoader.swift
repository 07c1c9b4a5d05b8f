import Dataflow
import Foundation
import Nodes
import TopologyFile

/// Topology files to compiled topologies.
struct TopologyLoader {
    /// What `${NAME}` is replaced from.
    var environment = ProcessInfo.processInfo.environment

    /// Reads and compiles one file.
    /// - Parameter path: the file; `-` is standard input.
    /// - Returns: the topology, nil when it cannot run, and everything there is to say about it.
    func load(_ path: String) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let start = SourceLocation(file: path, line: 1, column: 1)
        let data: Data
        do {
            data =
                path == "-" ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(filePath: path))
        } catch {
            let reason = Self.reason(for: error)
            return (nil, Diagnostics(Diagnostic(code: "file", at: start, "the file cannot be read: \(reason)")))
        }
        guard let text = String(data: data, encoding: .utf8) else {
            return (nil, Diagnostics(Diagnostic(code: "encoding", at: start, "the file is not UTF-8")))
        }
        return load(text: text, from: path)
    }

    /// Reads and compiles what stands in a file.
    /// - Parameter path: the file's name, for diagnostics.
    func load(text: String, from path: String) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let reader = TopologyReader(specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: environment)
        var (declaration, diagnostics) = reader.read(file: path, text: text)
        guard let declaration, !diagnostics.hasErrors else { return (nil, diagnostics) }
        Redaction.conceal(declaration)
        do {
            return (try TopologyCompiler.compile(declaration), diagnostics)
        } catch {
            diagnostics.append(contentsOf: error)
            return (nil, diagnostics)
        }
    }

    private static func reason(for error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile?, .fileNoSuchFile?: "there is no such file"
        case .fileReadNoPermission?: "permission denied"
        default: (error as NSError).localizedDescription
        }
    }
}
