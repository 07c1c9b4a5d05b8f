import Platform

extension RecordSchema {
    /// The field called `name`; nil when a problem, this one or an earlier one, says why there is none.
    public func field(_ name: String, at location: SourceLocation, _ problems: inout Diagnostics) -> Field? {
        if let field = self[name] { return field }
        guard !isUnresolved(name) else { return nil }
        if let reason = lacking[name] {
            problems.append(
                Diagnostic(
                    code: "unknown-field", at: location,
                    "the records that come together here have no common field '\(name)': \(reason)",
                    hint: "declare it alike in front of every node in that 'from'"))
            return nil
        }
        let known = fields.map(\.name) + unresolved.sorted()
        problems.append(
            Diagnostic(
                code: "unknown-field", at: location,
                "the records have no field '\(name)', expected one of \(Self.list(known))",
                hint: Suggestion.hint(for: name, in: known)))
        return nil
    }

    /// The first dozen of names, as the end of "expected one of …".
    public static func list(_ names: [String]) -> String {
        names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
    }
}
