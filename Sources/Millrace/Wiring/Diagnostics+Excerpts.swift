import Declaration
import TopologyFile

extension Diagnostics {
    /// The same problems, each with its line of the file where that shows no secret.
    ///
    /// Only lines of operators are shown: sources and sinks hold addresses and passwords. Where a file is so broken that
    /// nobody can tell whose a line is, words that stand beside secrets keep it from being shown.
    func illustrated(by text: String, of declaration: TopologyDeclaration) -> Diagnostics {
        let excerpt = SourceExcerpt(of: text)
        let nodes = declaration.nodes.sorted { $0.location.line < $1.location.line }
        var result = Diagnostics()
        for var problem in all {
            let place = problem.location
            let isOfOperator = nodes.last { $0.location.line <= place.line }.map { $0.spec.kind == .operator } ?? false
            if isOfOperator, let line = excerpt.line(place.line), !Self.mayHoldSecret(line) {
                problem.excerpt = excerpt.lines(at: place.line, place.column)
            }
            result.append(problem)
        }
        return result
    }

    private static func mayHoldSecret(_ line: String) -> Bool {
        let line = line.lowercased()
        return ["://", "password", "passwd", "secret", "token", "credential", "sasl", "ssl.", "pseudonym"]
            .contains { line.contains($0) }
    }
}
