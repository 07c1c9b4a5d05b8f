/// Why sketch parameters or stored sketch bytes were refused.
///
/// A description names the place, what was found and what was expected, never the values inside the sketch.
public struct SketchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of refusal, stable across releases.
    public enum Code: String, Hashable, Sendable {
        /// A parameter is outside its range.
        case invalidParameters = "invalid_parameters"
        /// Two sketches of different parameters were to be merged.
        case parameterMismatch = "parameter_mismatch"
        /// The bytes are of a format or version this program does not read.
        case unsupportedFormat = "unsupported_format"
        /// The bytes contradict themselves: cut short, too long, out of order or out of range.
        case malformedBytes = "malformed_bytes"
        /// A count or a sum would leave its range.
        case outOfRange = "out_of_range"
    }

    /// The kind of refusal.
    public let code: Code
    /// `where: what is wrong, found X, expected Y; hint`.
    public let description: String

    /// An error with its full sentence.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// Always false: the same bytes or parameters are refused again.
    public var isRetryable: Bool { false }
}
