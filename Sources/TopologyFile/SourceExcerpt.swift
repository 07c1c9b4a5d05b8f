/// Shows a place of a file as it is written: the line, and a caret under the character.
///
/// ```
///   8 |       x: lower(kk)
///     |                ^
/// ```
public struct SourceExcerpt {
    /// Characters of a line that are shown, about one line of a terminal.
    private static let widthMax = 100
    /// Characters in front of the caret that a long line keeps.
    private static let leadMax = 60

    private let lines: [[Unicode.Scalar]]

    /// Excerpts of this text.
    public init(of text: String) {
        let unmarked = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        lines = SourceText(file: "", text: unmarked).lines
    }

    /// The line as it is written, without what a terminal would take for a command; nil outside of the text.
    public func line(_ number: Int) -> String? {
        guard lines.indices.contains(number - 1) else { return nil }
        return Self.shown(lines[number - 1][...])
    }

    /// Two lines about a 1-based place; nil outside of the text.
    public func lines(at line: Int, _ column: Int) -> String? {
        guard lines.indices.contains(line - 1), column >= 1, column <= lines[line - 1].count + 1 else { return nil }
        let whole = lines[line - 1]
        var first = 0
        if whole.count > Self.widthMax { first = max(0, min(column - 1 - Self.leadMax, whole.count - Self.widthMax)) }
        let last = min(whole.count, first + Self.widthMax)
        let number = String(line)
        let (before, behind) = (first > 0 ? "… " : "", last < whole.count ? " …" : "")
        let indent = String(repeating: " ", count: before.count + column - 1 - first)
        var shown = Self.shown(whole[first..<last])
        while shown.last == " " { shown.removeLast() }
        return "  \(number) | \(before)\(shown)\(behind)\n"
            + "  \(String(repeating: " ", count: number.count)) | \(indent)^"
    }

    private static func shown(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var result = String.UnicodeScalarView()
        for scalar in scalars {
            let category = scalar.properties.generalCategory
            result.append(category == .control || category == .format ? " " : scalar)
        }
        return String(result)
    }
}
