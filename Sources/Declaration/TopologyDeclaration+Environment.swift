extension TopologyDeclaration {
    /// The values of settings and nodes that came from the environment, in whole or in part, with their places: no
    /// message may show them, whatever they stand for.
    public var environmentValues: [(text: String, location: SourceLocation)] {
        var found: [(text: String, location: SourceLocation)] = []
        settings.collectEnvironment(into: &found)
        for node in nodes { node.config.collectEnvironment(into: &found) }
        return found
    }
}

extension ConfigValue {
    fileprivate func collectEnvironment(into found: inout [(text: String, location: SourceLocation)]) {
        switch content {
        case .string(let text): if isFromEnvironment { found.append((text, location)) }
        case .list(let elements): for element in elements { element.collectEnvironment(into: &found) }
        case .map(let entries): for entry in entries { entry.value.collectEnvironment(into: &found) }
        case .null, .integer, .double, .boolean, .duration, .invalid: break
        }
    }
}

extension Diagnostics {
    /// The same problems without these values in them: a message that quotes one, or a part of it, has `…` in its place,
    /// and advice that was made of it is left out.
    public func concealing(_ values: [(text: String, location: SourceLocation)]) -> Diagnostics {
        var concealed = Diagnostics()
        let valuesOfLine = Dictionary(grouping: values.filter { $0.text.count > 2 }) { $0.location.line }
        for var problem in all {
            for value in valuesOfLine[problem.location.line] ?? [] {
                problem.message = problem.message.replacing(value.text, with: "…")
                problem.hint = problem.hint?.replacing(value.text, with: "…")
                let columns = value.location.column...(value.location.column + value.text.unicodeScalars.count)
                guard columns.contains(problem.location.column) else { continue }
                problem.message = Self.concealing(quotesOf: value.text, in: problem.message)
                problem.hint = nil
            }
            concealed.append(problem)
        }
        return concealed
    }

    /// Conceals what stands in quotes and is a part of `text`.
    private static func concealing(quotesOf text: String, in message: String) -> String {
        let pieces = message.split(omittingEmptySubsequences: false) { $0 == "'" || $0 == "\"" }
        var result = ""
        var end = message.startIndex
        for (index, piece) in pieces.enumerated() {
            result += message[end..<piece.startIndex]
            let cut = piece.hasSuffix("…") ? piece.dropLast() : piece
            let isQuoted = index > 0 && index < pieces.count - 1
            result += isQuoted && !cut.isEmpty && text.contains(cut) ? "…" : piece
            end = piece.endIndex
        }
        return result
    }
}
