/// Why a dimension could not be loaded, or cannot be used any more. What was loaded before stays as it is.
public struct LookupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// Two rows have one key.
        case duplicateKey = "lookup-duplicate-key"
        /// Two rows of a key hold at one time, or a row ends before it begins.
        case validity = "lookup-validity"
        /// There is no such file or table, or it cannot be read.
        case source = "lookup-source"
        /// The source has no column of that name, or one of another type.
        case column = "lookup-column"
        /// A value that is not of the declared type, or a row that cannot be read.
        case value = "lookup-value"
        /// More than a table holds.
        case tooLarge = "lookup-too-large"
        /// The temporary file through which rows go cannot be written or read.
        case spill = "lookup-spill"
        /// The table has no rows any more, and had some.
        case empty = "lookup-empty"
        /// The content is older than it may be.
        case stale = "lookup-stale"
        /// The load was given up, because the program is to stop.
        case cancelled = "lookup-cancelled"
    }

    /// What is wrong.
    public let code: Code
    /// Where, what was found, what was expected, and the way out.
    public let message: String
    /// Whether the same load may succeed later, without a person's help.
    public let isRetryable: Bool

    /// Creates an error.
    public init(_ code: Code, _ message: String, isRetryable: Bool = false) {
        self.code = code
        self.message = message
        self.isRetryable = isRetryable
    }

    /// The message.
    public var description: String { message }
}
