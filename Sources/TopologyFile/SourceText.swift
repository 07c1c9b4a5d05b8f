import Dataflow
import Declaration

/// The text of a file by line and column, counted the way the YAML reader counts them: columns in Unicode scalars,
/// lines at every break YAML knows.
struct SourceText {
    /// The file's name as the user gave it.
    let file: String
    /// The lines without their breaks.
    let lines: [[Unicode.Scalar]]

    init(file: String, text: String) {
        self.file = file
        var lines: [[Unicode.Scalar]] = []
        var line: [Unicode.Scalar] = []
        var previousWasReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where previousWasReturn:
                previousWasReturn = false
                continue
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                lines.append(line)
                line.removeAll(keepingCapacity: true)
            default:
                line.append(scalar)
            }
            previousWasReturn = scalar == "\r"
        }
        lines.append(line)
        self.lines = lines
    }

    /// The character at a 1-based place, nil at a line's end and outside the text.
    func scalar(line: Int, column: Int) -> Unicode.Scalar? {
        guard lines.indices.contains(line - 1) else { return nil }
        let line = lines[line - 1]
        return line.indices.contains(column - 1) ? line[column - 1] : nil
    }

    /// Whether the text at a 1-based place begins with `expected`, within the line.
    func holds(_ expected: some Sequence<Unicode.Scalar>, line: Int, column: Int) -> Bool {
        var column = column
        for wanted in expected {
            guard scalar(line: line, column: column) == wanted else { return false }
            column += 1
        }
        return true
    }

    /// The text from a 1-based place to the line's end, without spaces at its end.
    func text(from place: (line: Int, column: Int)) -> String {
        guard lines.indices.contains(place.line - 1) else { return "" }
        var rest = lines[place.line - 1].dropFirst(place.column - 1)
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return String(String.UnicodeScalarView(rest))
    }

    /// A 1-based place as a location.
    func location(line: Int, column: Int) -> SourceLocation {
        SourceLocation(file: file, line: line, column: column)
    }

    /// The first character YAML forbids in a file (a control character or a stray byte order mark).
    var forbiddenScalar: (scalar: Unicode.Scalar, location: SourceLocation)? {
        for (index, line) in lines.enumerated() {
            if let column = line.firstIndex(where: { !Self.isAllowed($0) }) {
                return (line[column], location(line: index + 1, column: column + 1))
            }
        }
        return nil
    }

    /// YAML 1.2's `c-printable`, without the byte order mark.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }
}
