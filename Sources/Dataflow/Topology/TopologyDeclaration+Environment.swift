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
    /// The same problems without these values in them: a message that quotes one has `…` in its place.
    public func concealing(_ values: [(text: String, location: SourceLocation)]) -> Diagnostics {
        var concealed = Diagnostics()
        for var problem in all {
            for value in values where value.location.line == problem.location.line {
                // Messages show long texts cut.
                for text in [value.text, String(value.text.prefix(60)), String(value.text.prefix(40))] where text.count > 2 {
                    problem.message = problem.message.replacing(text, with: "…")
                    problem.hint = problem.hint?.replacing(text, with: "…")
                }
            }
            concealed.append(problem)
        }
        return concealed
    }
}
