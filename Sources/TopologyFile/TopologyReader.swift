import Dataflow
public import Declaration

/// Reads a topology file: YAML text in, a checked declaration or all that is wrong with the file out.
///
/// Every problem is reported in one go, with its place, what was found, what was expected and a hint. Values that
/// come from the environment and values of fields of type `secret` never appear in a diagnostic.
public struct TopologyReader: Sendable {
    private let specs: [NodeSpec]
    private let settings: [FieldSpec]
    private let environment: [String: String]

    /// Creates a reader that knows these node types, these settings of a whole topology (top-level keys beside
    /// `topology` and `nodes`), and these variables for `${NAME}`.
    public init(specs: [NodeSpec], settings: [FieldSpec], environment: [String: String]) {
        self.specs = specs
        self.settings = settings
        self.environment = environment
    }

    /// Reads a file's bytes, which must be UTF-8; see `read(file:text:)`.
    public func read(file: String, bytes: some Collection<UInt8>) -> (TopologyDeclaration?, Diagnostics) {
        let (declaration, diagnostics) = survey(file: file, bytes: bytes)
        return (diagnostics.hasErrors ? nil : declaration, diagnostics)
    }

    /// Reads a file's text. `file` is its name in diagnostics; nothing is read from disk.
    ///
    /// - Returns: the declaration, nil when there are errors; and the errors and warnings, in file order.
    public func read(file: String, text: String) -> (TopologyDeclaration?, Diagnostics) {
        let (declaration, diagnostics) = survey(file: file, text: text)
        return (diagnostics.hasErrors ? nil : declaration, diagnostics)
    }

    /// As `read`, with the declaration as far as it can be made out in spite of errors, so that the rest can be checked
    /// in the same round: values that are no good are `invalid` in it, nodes that cannot be read are left out.
    public func survey(file: String, bytes: some Collection<UInt8>) -> (TopologyDeclaration?, Diagnostics) {
        guard bytes.count <= DocumentLimits.bytesMax else { return (nil, tooLarge(file, bytes.count)) }
        if let text = String(validating: bytes, as: UTF8.self) { return survey(file: file, text: text) }
        let text = String(decoding: bytes, as: UTF8.self)
        let broken = SourceText(file: file, text: text)
        var location = broken.location(line: 1, column: 1)
        for (index, line) in broken.lines.enumerated() {
            guard let column = line.firstIndex(of: "\u{FFFD}") else { continue }
            location = broken.location(line: index + 1, column: column + 1)
            break
        }
        let diagnostic = Diagnostic(
            code: "not-utf8", at: location, "the file is not text in UTF-8, found other bytes here",
            hint: "save the file as UTF-8")
        return (nil, Diagnostics(diagnostic))
    }

    private func survey(file: String, text: String) -> (TopologyDeclaration?, Diagnostics) {
        guard text.utf8.count <= DocumentLimits.bytesMax else { return (nil, tooLarge(file, text.utf8.count)) }
        let unmarked = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        let substitution = EnvironmentSubstitution { environment[$0] }
        var document = DocumentReader(source: SourceText(file: file, text: unmarked), substitution: substitution)
        guard let root = document.read() else { return (nil, document.diagnostics.inFileOrder) }
        var builder = TopologyBuilder(specs: specs, settings: settings)
        let declaration = builder.build(root)
        var diagnostics = document.diagnostics
        diagnostics.append(contentsOf: builder.diagnostics)
        return (declaration, diagnostics.inFileOrder)
    }

    private func tooLarge(_ file: String, _ count: Int) -> Diagnostics {
        let start = SourceLocation(file: file, line: 1, column: 1)
        let message = "the file is too large, found \(count) bytes, expected at most 1 MiB"
        return Diagnostics(Diagnostic(code: "too-large", at: start, message))
    }
}

extension Diagnostics {
    /// The same problems by place; those of one place stay in the order they were found, and none stands twice (an
    /// alias checks the same text several times).
    public var inFileOrder: Diagnostics {
        var seen: Set<Diagnostic> = []
        var sorted = Diagnostics()
        let order = all.enumerated().sorted {
            ($0.element.location.line, $0.element.location.column, $0.offset)
                < ($1.element.location.line, $1.element.location.column, $1.offset)
        }
        for (_, diagnostic) in order where seen.insert(diagnostic).inserted { sorted.append(diagnostic) }
        return sorted
    }
}
