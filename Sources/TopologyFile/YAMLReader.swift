import Dataflow
import Declaration
import Yams

/// Reads YAML text into Yams' nodes, turning what is wrong with the syntax into diagnostics.
///
/// Yams refuses a mapping with duplicate keys and names only the first; this reader hides the first of two equal
/// keys behind a private-use character and reads again, so that everything else in the file is still checked and
/// every duplicate is reported where it stands.
struct YAMLReader {
    /// A place in the text, 1-based, as Yams counts.
    struct Place: Hashable {
        var line: Int
        var column: Int
    }

    private let file: String
    private var lines: [[Unicode.Scalar]]
    /// The keys hidden in `lines`, by the place of their first content character.
    private(set) var hiddenKeys: [Place: String] = [:]
    /// What is wrong with the syntax.
    private(set) var diagnostics = Diagnostics()

    init(source: SourceText) {
        file = source.file
        lines = source.lines
    }

    /// The document's root; nil when the file is empty or `diagnostics` says why not.
    mutating func read() -> Node? {
        while true {
            let text = String(String.UnicodeScalarView(lines.joined(separator: ["\n"])))
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                guard let root = try parser.nextRoot() else { return nil }
                try refuseFurtherDocument(parser)
                return root
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard let name = names.first, hide(name, at: context.mark) else {
                    report(duplicates: names, at: context.mark)
                    return nil
                }
            } catch let error as YamlError {
                report(error)
                return nil
            } catch {
                report("yaml-syntax", Place(line: 1, column: 1), "the file cannot be read as YAML", hint: nil)
                return nil
            }
        }
    }

    /// The place of a node's first own character: after anchor and tag, and after an opening quote.
    func contentStart(of mark: Mark) -> Place {
        var place = Place(line: mark.line, column: mark.column)
        while let scalar = self[place], scalar == "&" || scalar == "!" {
            var next = place
            while let scalar = self[next], scalar != " ", scalar != "\t" { next.column += 1 }
            while let scalar = self[next], scalar == " " || scalar == "\t" { next.column += 1 }
            guard let first = self[next], first != "#" else { return place }
            place = next
        }
        if let scalar = self[place], scalar == "\"" || scalar == "'" { place.column += 1 }
        return place
    }

    subscript(place: Place) -> Unicode.Scalar? {
        guard lines.indices.contains(place.line - 1) else { return nil }
        let line = lines[place.line - 1]
        return line.indices.contains(place.column - 1) ? line[place.column - 1] : nil
    }

    /// The column of the first character that is not a space in the first line after `line` that has one.
    func blockIndent(after line: Int) -> Int? {
        lines.dropFirst(line).lazy.compactMap { $0.firstIndex { $0 != " " } }.first.map { $0 + 1 }
    }

    private mutating func hide(_ name: String, at mark: Mark) -> Bool {
        let place = contentStart(of: mark)
        guard hiddenKeys.count < DocumentLimits.duplicatesMax, hiddenKeys[place] == nil,
            let replacement = Unicode.Scalar(0xE000 + UInt32(hiddenKeys.count)),
            let first = self[place], first == name.unicodeScalars.first, !["\\", "'", "\""].contains(first)
        else { return false }
        lines[place.line - 1][place.column - 1] = replacement
        hiddenKeys[place] = name
        return true
    }

    private mutating func refuseFurtherDocument(_ parser: Parser) throws {
        do {
            guard let second = try parser.nextRoot() else { return }
            var place = Place(line: second.mark?.line ?? 1, column: 1)
            while place.line > 1, !lines[place.line - 1].starts(with: "---".unicodeScalars) { place.line -= 1 }
            report(
                "several-documents", place, "a second YAML document begins, expected one topology per file",
                hint: "move it to a file of its own")
        } catch YamlError.duplicatedKeysInMapping {
            report(
                "several-documents", Place(line: 1, column: 1),
                "the file holds several YAML documents, expected one topology per file",
                hint: "move the others to files of their own")
        }
    }
}

extension YAMLReader {
    private mutating func report(_ code: String, _ place: Place, _ message: String, hint: String?) {
        let location = SourceLocation(file: file, line: place.line, column: place.column)
        diagnostics.append(Diagnostic(code: code, at: location, message, hint: hint))
    }

    private mutating func report(duplicates names: [String], at mark: Mark) {
        let shown = names.map(\.quotedForDiagnostic).joined(separator: ", ")
        let place = Place(line: max(1, mark.line), column: max(1, mark.column))
        report("duplicate-key", place, "a map has the same key twice, found \(shown) again", hint: "remove one")
    }

    private mutating func report(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            report(problem, context, at: Place(line: mark.line, column: mark.column))
        default:
            report("yaml-syntax", Place(line: 1, column: 1), "the file cannot be read as YAML", hint: nil)
        }
    }

    private mutating func report(_ problem: String, _ context: YamlError.Context?, at place: Place) {
        let scalar = self[place]
        if scalar == "\t" {
            report(
                "tab", place, "a tab character indents this line, expected spaces",
                hint: "YAML does not allow tabs for indentation")
            return
        }
        if problem.contains("alias") {
            report(
                "unknown-alias", place, "an alias names no anchor that stands before it",
                hint: "set the anchor first: key: &name value")
            return
        }
        let meanwhile = context.map { " \($0.text) that begins at line \($0.mark.line)" } ?? ""
        let line = lines.indices.contains(place.line - 1) ? lines[place.line - 1] : []
        if problem.contains("did not find expected"),
            let comment = comment(from: min(context?.mark.line ?? place.line, place.line) - 1, to: place.line)
        {
            report(
                "yaml-syntax", comment,
                "the YAML is malformed: a comment begins inside { } or [ ] and ends it too early",
                hint: "put a value that begins with # in quotes")
            return
        }
        let isOpenQuote = problem.contains("unexpected end of stream") && meanwhile.contains("quoted")
        report(
            "yaml-syntax", place, "the YAML is malformed\(meanwhile): \(problem)",
            hint: isOpenQuote ? "close the quote" : hint(problem, scalar, in: line))
    }

    private func hint(_ problem: String, _ scalar: Unicode.Scalar?, in line: [Unicode.Scalar]) -> String? {
        if problem.contains("mapping values are not allowed") {
            if let quoted = quotedCall(in: line) { return "put the value in quotes: \(quoted)" }
            return "put a value that holds ': ' in quotes, or check the indentation"
        }
        if problem.contains("did not find expected alphabetic") || problem.contains("did not find expected whitespace")
        {
            return "put a value that begins with !, & or * in quotes"
        }
        if problem.contains("cannot start any token"), let scalar {
            return "put a value that begins with \(String(scalar)) in quotes"
        }
        if problem.contains("did not find expected ','"), line.contains("$") {
            return "put ${NAME} in quotes inside { } and [ ]"
        }
        if problem.contains("did not find expected ','"), line.contains("(") || line.contains("'") {
            return "put a value that holds any of , : [ ] { } in quotes inside { } and [ ]"
        }
        if problem.contains("did not find expected") {
            return "check the indentation, and that brackets and quotes are closed"
        }
        return nil
    }

    /// Where a comment in these lines begins in a value's place, `: #` or `, #`, and hides a closing bracket.
    private func comment(from first: Int, to last: Int) -> Place? {
        for (number, scalars) in zip(1..., lines) where number >= first && number <= last {
            for index in scalars.indices.dropFirst(2) where scalars[index] == "#" && scalars[index - 1] == " " {
                let (before, after) = (scalars[..<index], scalars[index...])
                let isInside = before.contains { $0 == "{" || $0 == "[" } && after.contains { $0 == "}" || $0 == "]" }
                if isInside, let last = before.last(where: { $0 != " " }), last == ":" || last == "," {
                    return Place(line: number, column: index + 1)
                }
            }
        }
        return nil
    }

    /// `users: "uniques(user, precision: precise)"` for a line that holds the same without quotes.
    private func quotedCall(in line: [Unicode.Scalar]) -> String? {
        var text = String(String.UnicodeScalarView(line))
        while text.first == " " || text.first == "-" { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        guard let colon = text.firstRange(of: ": "), text.hasSuffix(")"), !text.contains("\""), text.count <= 120
        else { return nil }
        let value = text[colon.upperBound...].drop { $0 == " " }
        guard let name = value.split(separator: "(", maxSplits: 1).first, name.count < value.count, !name.isEmpty,
            name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
        else { return nil }
        return "\(text[..<colon.lowerBound]): \"\(value)\""
    }
}
