/// A place in a topology file: 1-based line and column, as editors count them.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The file's name as the user gave it.
    public var file: String
    /// 1-based line.
    public var line: Int
    /// 1-based column, in characters.
    public var column: Int

    /// Creates a location.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line:column`, which editors and terminals turn into a link.
    public var description: String { "\(file):\(line):\(column)" }
}

/// One thing wrong with a topology, with the place and the way out.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether the topology can run all the same.
    public enum Severity: String, Sendable {
        /// The topology cannot run.
        case error
        /// The topology runs, and probably not as meant.
        case warning
    }

    /// Error or warning.
    public var severity: Severity
    /// Stable kebab-case name of the problem, e.g. `unknown-field`.
    public var code: String
    /// Where the problem stands.
    public var location: SourceLocation
    /// What is wrong, what was found, what was expected. Never holds a secret.
    public var message: String
    /// What to do about it.
    public var hint: String?
    /// The place as it stands in the file, with a caret; nil where it shows nothing, or might show a secret.
    public var excerpt: String?

    /// Creates a diagnostic.
    public init(
        _ severity: Severity = .error, code: String, at location: SourceLocation, _ message: String, hint: String? = nil
    ) {
        self.severity = severity
        self.code = code
        self.location = location
        self.message = message
        self.hint = hint
    }

    /// `file:line:column: error[code]: message; hint`.
    public var description: String {
        "\(location): \(severity.rawValue)[\(code)]: \(message)" + (hint.map { "; \($0)" } ?? "")
    }

    /// The description, and below it the place as it stands in the file.
    public var report: String { description + (excerpt.map { "\n\($0)" } ?? "") }
}

/// All that is wrong with a topology, so that a user repairs it in one go.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
    /// The problems in the order they were found.
    public private(set) var all: [Diagnostic] = []

    /// An empty list.
    public init() {}

    /// A list of one.
    public init(_ diagnostic: Diagnostic) { all = [diagnostic] }

    /// Whether the topology cannot run.
    public var hasErrors: Bool { all.contains { $0.severity == .error } }

    /// Adds one problem.
    public mutating func append(_ diagnostic: Diagnostic) { all.append(diagnostic) }

    /// Adds the problems of another list.
    public mutating func append(contentsOf other: Diagnostics) { all.append(contentsOf: other.all) }

    /// One line per problem, in file order.
    public var description: String { sorted.map(\.description).joined(separator: "\n") }

    /// Each problem with its place as it stands in the file, in file order.
    public var report: String { sorted.map(\.report).joined(separator: "\n") }

    private var sorted: [Diagnostic] {
        all.sorted { ($0.location.line, $0.location.column) < ($1.location.line, $1.location.column) }
    }
}
