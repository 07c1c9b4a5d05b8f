import Dataflow
public import Declaration

/// Finds mistakes in specs themselves, for a test over all specs of the product.
public enum SpecAudit {
    /// What is wrong with the specs, one sentence each; empty when all is well.
    ///
    /// Checked: unique names, defaults and examples that fit their type, a node example that has the node and reads
    /// without a diagnostic, a shorthand that names a field, no required field with a default.
    public static func problems(in specs: [NodeSpec], settings: [FieldSpec] = []) -> [String] {
        var problems = repeated(specs.map(\.name)).map { "The node type '\($0)' is declared twice." }
        for spec in specs {
            problems += audit(spec.fields, in: spec.name)
            if let shorthand = spec.shorthand, !spec.fields.contains(where: { $0.name == shorthand }) {
                problems.append("The shorthand '\(shorthand)' of '\(spec.name)' names no field.")
            }
            if TopologyBuilder.keys.contains(spec.name) {
                problems.append("The node type '\(spec.name)' has the name of a node's field.")
            }
        }
        problems += audit(settings, in: "settings")
        // Examples are read with the specs, which must be sound for that.
        if problems.isEmpty { problems += specs.compactMap { auditExample(of: $0, among: specs) } }
        return problems
    }

    private static func audit(_ fields: [FieldSpec], in owner: String) -> [String] {
        let location = SourceLocation(file: owner, line: 1, column: 1)
        var problems = repeated(fields.map(\.name)).map { "The field '\($0)' of '\(owner)' is declared twice." }
        for field in fields {
            let name = "'\(field.name)' of '\(owner)'"
            if case .shorthandObject(let shorthand, let inner) = field.type.innermost,
                !inner.contains(where: { $0.name == shorthand })
            {
                problems.append("The shorthand '\(shorthand)' of \(name) names no field.")
            }
            if field.isRequired, field.defaultText != nil {
                problems.append("The required field \(name) has a default.")
            }
            if let text = field.defaultText, field.parse(text, at: location) == nil {
                problems.append("The default of \(name) does not fit its type.")
            }
            if let text = field.example, field.parse(text, at: location) == nil {
                problems.append("The example of \(name) does not fit its type.")
            }
            problems += innerFields(field.type).flatMap { audit($0, in: "\(owner).\(field.name)") }
        }
        return problems
    }

    private static func auditExample(of spec: NodeSpec, among specs: [NodeSpec]) -> String? {
        let source = SourceText(file: spec.name, text: spec.example)
        var reader = DocumentReader(source: source, substitution: EnvironmentSubstitution { _ in "1" })
        guard let root = reader.read(), !reader.diagnostics.hasErrors, case .map(let nodes) = root.content else {
            return "The example of '\(spec.name)' is not a YAML map."
        }
        var builder = TopologyBuilder(specs: specs, settings: [])
        let drafts = nodes.map { builder.readNode($0) }
        if let first = builder.diagnostics.all.first { return "The example of '\(spec.name)' is wrong: \(first)." }
        return drafts.contains { $0.spec?.name == spec.name } ? nil : "The example of '\(spec.name)' lacks the node."
    }

    private static func innerFields(_ type: SpecType) -> [[FieldSpec]] {
        switch type {
        case .object(let fields), .shorthandObject(_, let fields): [fields]
        case .map(let inner), .list(let inner), .names(let inner, _), .perName(let inner): innerFields(inner)
        default: []
        }
    }

    private static func repeated(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { !seen.insert($0).inserted }
    }
}

extension SpecType {
    /// The type of the values inside maps and lists.
    fileprivate var innermost: SpecType {
        switch self {
        case .map(let inner), .list(let inner), .names(let inner, _), .perName(let inner): inner.innermost
        default: self
        }
    }
}
