import Declaration

/// A topic or path as a topology file names it. Positions are kept by topic and path, so no two sources may read one.
struct InputName: Resource {
    /// What it is.
    enum Kind { case topic, path, program }

    let kind: Kind
    let name: String
    let node: String
    let location: SourceLocation

    /// What a list of names declares.
    static func all(_ kind: Kind, in list: ConfigValue?, of node: NodeDeclaration) -> [any Resource] {
        (list?.list ?? []).compactMap { value in
            value.string.map { InputName(kind: kind, name: $0, node: node.name, location: value.location) }
        }
    }

    func clash(with earlier: any Resource) -> Diagnostic? {
        guard let earlier = earlier as? InputName, (earlier.kind, earlier.name) == (kind, name) else { return nil }
        let isOwn = earlier.node == node
        // Of a topic that is in a list twice the list says it.
        if isOwn, kind == .topic { return nil }
        return Diagnostic(
            code: "read-twice", at: location,
            isOwn
                ? "\(name) stands in the list twice"
                : "\(name) is read by \(earlier.node) and by \(node), expected one source for it",
            hint: isOwn
                ? "remove one"
                : "let several nodes read from one source; where their records differ (each:), use a topology of its own"
        )
    }
}
