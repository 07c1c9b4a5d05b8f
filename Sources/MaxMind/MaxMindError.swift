/// Why a MaxMind database cannot be used.
public struct MaxMindError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: Sendable, Equatable {
        /// The file cannot be opened or read.
        case file
        /// The file is no MaxMind database, or is damaged.
        case format
    }

    /// What is wrong.
    public let code: Code
    /// The file, what was found, and the way out.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
