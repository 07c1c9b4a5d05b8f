/// All functions: what the checker, the diagnostics and the documentation know of them.
enum FunctionCatalog {
    /// A family of functions, a section of the documentation.
    struct Family: Sendable {
        var title: String
        var functions: [ExpressionFunction]
    }

    static let families: [Family] = [
        Family(title: "Choices", functions: conditional),
        Family(title: "Texts", functions: text + textSearch + textParts),
        Family(title: "Patterns", functions: patterns),
        Family(title: "Numbers", functions: rounding + numbers),
        Family(title: "Times", functions: times + timeParts),
        Family(title: "Hashes", functions: hashes),
        Family(title: "JSON in texts", functions: jsonTexts),
        Family(title: "URLs and versions", functions: urls + versions),
    ]

    static let all: [ExpressionFunction] = families.flatMap(\.functions)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The function of a name in lower case.
    static subscript(name: String) -> ExpressionFunction? { byName[name] }
}
