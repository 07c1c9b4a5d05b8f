import Catalog
import Dataflow
import Declaration
import Foundation
import Nodes
import TopologyFile

/// Topology files to compiled topologies.
struct TopologyLoader {
    /// What `${NAME}` is replaced from.
    var environment = ProcessInfo.processInfo.environment
    /// What the command line overrides in every topology.
    var overrides = RunOverrides()

    /// What the topology is to be made beside, under this name and with such tables.
    var rebuild: Rebuild?

    /// Whether sources and sinks must be whole. Where something else is put in their place, variables that only they use
    /// need not be set.
    var needsEnds = true

    /// Reads and compiles files, in order.
    /// - Parameters:
    ///   - paths: the files; `-` is standard input.
    ///   - together: whether they are to run in one process, so that no two may have one name or one input.
    /// - Returns: for each the topology, nil when it cannot run, and everything there is to say about it.
    func load(
        _ paths: [String], together: Bool
    ) -> [(path: String, topology: CompiledTopology?, diagnostics: Diagnostics)] {
        var ownerOfInput: String?
        var files: [String: String] = [:]
        return paths.map { path in
            if FilePlan.isStandardInput(path) {
                if ownerOfInput != nil {
                    return (path, nil, Self.complaint("stdin-twice", path, "standard input was read already"))
                }
                ownerOfInput = "the topology itself"
            }
            var (topology, diagnostics) = load(path)
            guard let found = topology else { return (path, nil, diagnostics) }
            if together, let other = files.updateValue(path, forKey: found.name) {
                diagnostics.append(
                    contentsOf: Self.complaint(
                        "topology-twice", path, "two files declare topology \(found.name), found it in \(other) too",
                        hint: "give each a name of its own"))
                topology = nil
            }
            if together, found.readsStandardInput {
                if let owner = ownerOfInput {
                    diagnostics.append(
                        contentsOf: Self.complaint(
                            "stdin-twice", path,
                            "topology \(found.name) reads events from standard input, which is read for \(owner) already",
                            hint: "give the file of one of them a path"))
                    topology = nil
                }
                ownerOfInput = "the events of topology \(found.name)"
            }
            return (path, topology, diagnostics)
        }
    }

    /// Reads and compiles one file.
    /// - Parameter path: the file; `-` is standard input.
    /// - Returns: the topology, nil when it cannot run, and everything there is to say about it.
    func load(_ path: String) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let (bytes, diagnostics) = Self.bytes(of: path)
        return bytes.map { load(bytes: $0, from: path) } ?? (nil, diagnostics)
    }

    /// What stands in a file.
    /// - Returns: nil when it cannot be read, and why.
    static func bytes(of path: String) -> (bytes: [UInt8]?, diagnostics: Diagnostics) {
        if FilePlan.isStandardInput(path) {
            InputRegistry.process.takeStandardInput(for: "the topology file")
        }
        do throws(TopologyFileReader.Failure) {
            return (try TopologyFileReader.bytes(of: path), Diagnostics())
        } catch {
            return (nil, complaint("file", path, "the file cannot be read: \(error.reason)", hint: error.hint))
        }
    }

    /// Reads and compiles what stands in a file.
    /// - Parameter path: the file's name, for diagnostics.
    func load(text: String, from path: String) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        load(bytes: Array(text.utf8), from: path)
    }

    /// What a file declares, as far as it can be made out.
    func declaration(of text: String, named name: String) -> TopologyDeclaration? {
        let reader = TopologyReader(specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: environment)
        let declaration = reader.survey(file: name, bytes: Array(text.utf8)).0
        if let declaration { Redaction.conceal(declaration) }
        return declaration
    }

    private func load(bytes: [UInt8], from path: String) -> (topology: CompiledTopology?, diagnostics: Diagnostics) {
        let reader = TopologyReader(specs: NodeCatalog.specs, settings: NodeCatalog.settings, environment: environment)
        var (declaration, diagnostics) = reader.survey(file: path, bytes: bytes)
        guard var declaration else { return (nil, diagnostics) }
        if let rebuild {
            declaration = TopologyCompiler.beside(declaration, as: rebuild.name, types: NodeCatalog.types) { name in
                Rebuild.table(name, tag: rebuild.tag)
            }
        }
        if !needsEnds { diagnostics = diagnostics.withoutMissingVariables(ofEndsOf: declaration) }
        Redaction.conceal(declaration)
        let (topology, problems) = TopologyCompiler.compile(
            declaration, types: NodeCatalog.types, overrides: overrides)
        diagnostics.append(contentsOf: problems.concealing(declaration.environmentValues))
        diagnostics = diagnostics.inFileOrder
            .illustrated(by: String(decoding: bytes, as: UTF8.self), of: declaration)
        return (diagnostics.hasErrors ? nil : topology, diagnostics)
    }

    private static func complaint(_ code: String, _ path: String, _ message: String, hint: String? = nil) -> Diagnostics
    {
        let start = SourceLocation(file: path, line: 1, column: 1)
        return Diagnostics(Diagnostic(code: code, at: start, message, hint: hint))
    }
}

extension Diagnostics {
    /// The same problems without variables that are not set and stand in sources and sinks.
    fileprivate func withoutMissingVariables(ofEndsOf declaration: TopologyDeclaration) -> Diagnostics {
        var left = Diagnostics()
        let nodes = declaration.nodes.sorted { $0.location.line < $1.location.line }
        for problem in all {
            let node = nodes.last { $0.location.line <= problem.location.line }
            let isOfEnd = node.map { $0.spec.kind != .operator } ?? false
            if problem.code != "missing-variable" || !isOfEnd { left.append(problem) }
        }
        return left
    }
}

/// The bytes of a topology file: a path, a pipe such as `<(envsubst < t.yaml)`, or standard input.
enum TopologyFileReader {
    /// Why there are none.
    struct Failure: Error {
        var reason: String
        var hint: String?
    }

    /// Bytes read at most: more is said to be too much by whoever gets them, and `/dev/zero` has no end.
    private static let bytesMax = 4 << 20

    /// Reads to the end. Blocks as long as a pipe is open at its other end.
    static func bytes(of path: String) throws(Failure) -> [UInt8] {
        let descriptor = unsafe path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno, path) }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        while bytes.count < bytesMax {
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw failure(errno, path)
            }
        }
        return bytes
    }

    private static func failure(_ code: Int32, _ path: String) -> Failure {
        switch code {
        case ENOENT:
            let isRelative = !path.hasPrefix("/")
            return Failure(
                reason: "there is no such file",
                hint: isRelative ? "looked for it in \(FileManager.default.currentDirectoryPath)" : nil)
        case EACCES: return Failure(reason: "permission denied")
        case EISDIR: return Failure(reason: "it is a directory", hint: "give the files in it, such as \(path)/*.yaml")
        default: return Failure(reason: unsafe String(cString: strerror(code)))
        }
    }
}
