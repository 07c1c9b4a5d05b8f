/// Why sketch bytes or a sketch operation were refused.
///
/// Never transient: a retry with the same input fails the same way. Holds no values of the data.
public struct SketchError: Error, Equatable, Sendable {
    /// The class of the failure.
    public enum Code: Sendable {
        /// The bytes are not what any encoder of this project writes.
        case malformed
        /// The bytes end in the middle of a field.
        case truncated
        /// The bytes were written by a version this one does not know.
        case unsupportedVersion
        /// The two sketches have different parameters and have no common union.
        case parameterMismatch
        /// The union would hold more than 2^63 - 1 values.
        case overflow
    }

    /// The class of the failure.
    public let code: Code
    /// One sentence: where, what is wrong, what was found and expected.
    public let message: String

    /// Creates an error from its class and its sentence.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

extension SketchError: CustomStringConvertible {
    /// The sentence alone, as a log line or a terminal shows it.
    public var description: String { message }
}
