import Dataflow
import Declaration

/// An expression's text and where it begins in its file.
struct ExpressionSource: Sendable {
    let scalars: [Unicode.Scalar]
    let start: SourceLocation

    init(_ text: String, at start: SourceLocation) {
        scalars = Array(text.unicodeScalars)
        self.start = start
    }

    /// The place of the scalar at `offset`.
    func location(_ offset: Int) -> SourceLocation {
        start.advanced(over: scalars.prefix(offset))
    }

    /// A part as it is written.
    func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }

    /// A problem at `offset`.
    func problem(_ code: String, _ offset: Int, _ message: String, hint: String? = nil) -> Diagnostics {
        Diagnostics(Diagnostic(code: code, at: location(offset), message, hint: hint))
    }
}
