import Platform

extension RecordSchema {
    /// The field called `name`; nil when a problem, this one or an earlier one, says why there is none.
    public func field(_ name: String, at location: SourceLocation, _ problems: inout Diagnostics) -> Field? {
        if let field = self[name] { return field }
        guard !isUnresolved(name) else { return nil }
        problems.append(absence(of: name, at: location))
        return nil
    }

    /// The problem of who names a field that there is not: why, as far as that is known.
    /// - Parameter advice: what else may have been meant.
    public func absence(of name: String, at location: SourceLocation, advice: String? = nil) -> Diagnostic {
        let problem: String
        let hint: String?
        if let reason = lacking[name] {
            problem = "the records that come together here have no common field '\(name)': \(reason)"
            hint = "declare it alike in front of every node in that 'from'"
        } else if let departed = departed[name] {
            (problem, hint) = Self.explain(name, departed)
        } else {
            let known = fields.map(\.name) + unresolved.sorted()
            problem = "the records have no field '\(name)', expected one of \(Self.list(known))"
            hint = Suggestion.hint(for: name, in: known) ?? advice
        }
        return Diagnostic(code: "unknown-field", at: location, problem, hint: hint)
    }

    private static func explain(_ name: String, _ departure: Departure) -> (problem: String, hint: String) {
        switch departure {
        case .leftOut(let node):
            (
                "the records have no field '\(name)' any more: node \(node) leaves it out",
                "let node \(node) hand it on, or do without it"
            )
        case .renamed(let node, let newName):
            ("the records have no field '\(name)' any more: node \(node) calls it '\(newName)'", "write \(newName)")
        case .madeBelow: ("the records have no field '\(name)' yet: it is made further below", "put \(name) above this")
        }
    }

    /// The first dozen of names, as the end of "expected one of …".
    public static func list(_ names: [String]) -> String {
        names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
    }
}
