/// A piece of HTML. What is put into it as text is escaped; only what is HTML already is taken as it is.
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// The markup.
    package private(set) var text: String

    /// Markup that stands in the program.
    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Nothing.
    package static let none: HTML = ""

    /// Pieces one after the other.
    package init(_ pieces: some Sequence<HTML>) { text = pieces.map(\.text).joined() }

    package static func + (left: HTML, right: HTML) -> HTML {
        var both = left
        both.text += right.text
        return both
    }

    package static func += (left: inout HTML, right: HTML) { left.text += right.text }

    /// Markup with texts and other markup in it.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }
        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }
        package mutating func appendInterpolation(_ value: Int) { text += String(value) }
        package mutating func appendInterpolation(_ value: HTML) { text += value.text }
        package mutating func appendInterpolation(_ values: [HTML]) { for value in values { text += value.text } }
    }

    /// A text in which nothing is markup, neither in content nor in an attribute's quotes. Characters that move a cursor,
    /// or turn the direction of what follows, are shown by their number: a record may hold anything.
    static func escaped(_ value: String) -> String {
        var result = ""
        result.reserveCapacity(value.utf8.count)
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                if scalar.value >= 32, scalar.value < 127 {
                    result.unicodeScalars.append(scalar)
                } else if [.control, .format, .lineSeparator, .paragraphSeparator].contains(
                    scalar.properties.generalCategory)
                {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}

/// Addresses of the page.
enum Address {
    /// A segment of a path or a value of a query, so that nothing in it means anything.
    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    /// A view of a topology.
    static func view(_ view: PageView, of topology: String, _ query: [(String, String)] = []) -> String {
        let path = view == .overview ? "/" : "/topologies/\(encoded(topology))" + (view.segment.map { "/\($0)" } ?? "")
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\(encoded($0.0))=\(encoded($0.1))" }.joined(separator: "&")
    }
}
