/// Why a source cannot go on; a person has to act.
package struct SourceError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    package enum Code: String, Sendable {
        /// A file cannot be opened or read.
        case file
        /// What is there now is not what was read before: truncated, replaced or re-created.
        case tailMismatch = "tail-mismatch"
        /// The position to read from no longer exists.
        case gap
        /// Another instance of the topology reads the same thing.
        case takenOver = "taken-over"
        /// The positions were made with another Kafka cluster.
        case foreignCluster = "foreign-cluster"
        /// The cluster refuses, or does not have what the topology names.
        case kafka
    }

    /// What happened.
    package var code: Code
    /// `where: what is wrong, found, expected; hint`.
    package var description: String

    static func file(_ path: String, _ what: String) -> SourceError {
        SourceError(code: .file, description: "file \(path == "-" ? "standard input" : path): \(what)")
    }
}
