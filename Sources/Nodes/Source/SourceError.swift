/// Why a source cannot go on; a person has to act.
public struct SourceError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Code: String, Sendable {
        /// A file cannot be opened or read.
        case file
        /// What is there now is not what was read before: truncated, replaced or re-created.
        case tailMismatch = "tail-mismatch"
        /// The position to read from no longer exists.
        case gap
        /// The cluster refuses, or does not have what the topology names.
        case kafka
    }

    /// What happened.
    public var code: Code
    /// `where: what is wrong, found, expected; hint`.
    public var description: String

    static func file(_ path: String, _ what: String) -> SourceError {
        SourceError(code: .file, description: "file \(path == "-" ? "standard input" : path): \(what)")
    }
}
