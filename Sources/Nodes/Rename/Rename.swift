import Dataflow
package import Declaration

/// The `rename` node: gives fields other names.
package enum Rename: NodeType {
    /// The declaration of `rename`.
    package static let spec = NodeSpec(
        name: "rename", kind: .operator,
        summary: "Gives fields other names.",
        fields: [
            FieldSpec(
                "fields", .map(.fieldName), "The new names, each with the field that it stands for.", required: true,
                example: "{ country: geo }")
        ],
        shorthand: "fields",
        example: """
            shaped:
              from: records
              rename: { region: country, money: revenue }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        var renamed = schema
        var plan = RenamePlan()
        var isWhole = node.config["fields"]?.namesSomething(&problems) ?? false
        for entry in node.config["fields"]?.entries ?? [] {
            if let problem = FieldName.problem(entry.key, at: entry.keyLocation) {
                problems.append(problem)
                isWhole = false
                continue
            }
            if let problem = Self.reversal(entry, schema) {
                problems.append(problem)
                renamed.unresolved.insert(entry.key)
                isWhole = false
                continue
            }
            guard let old = entry.value.string,
                let field = schema.field(old, at: entry.value.location, &problems)
            else {
                renamed.unresolved.insert(entry.key)
                isWhole = false
                continue
            }
            if let twin = plan.oldNames.first(where: { $0.value == old })?.key {
                problems.append(
                    Diagnostic(
                        code: "field-twice", at: entry.value.location,
                        "field \(old) gets two names, \(twin) and \(entry.key)",
                        hint: "derive the second one: \(entry.key): \(old)"))
                isWhole = false
            }
            plan.oldNames[entry.key] = field.name
        }
        let moved = Set(plan.oldNames.values)
        renamed.fields = schema.fields.filter { !moved.contains($0.name) }
        for (new, old) in plan.oldNames {
            renamed.departed[old] = .renamed(by: node.name, to: new)
        }
        for entry in node.config["fields"]?.entries ?? [] {
            guard let old = plan.oldNames[entry.key], var field = schema[old] else { continue }
            if renamed[entry.key] != nil {
                problems.append(
                    Diagnostic(
                        code: "field-taken", at: entry.keyLocation, "the records have a field \(entry.key) already",
                        hint: "choose another name, or rename that one as well"))
                isWhole = false
                continue
            }
            field.name = entry.key
            renamed.fields.append(field)
        }
        return CompiledNode(isWhole ? .stage(plan) : .broken, output: .records(renamed))
    }

    /// The old name in front, as many a language has it: the key is a field, what it stands for is none.
    private static func reversal(_ entry: ConfigEntry, _ schema: RecordSchema) -> Diagnostic? {
        guard let old = entry.value.string, schema[old] == nil, !schema.isUnresolved(old), schema[entry.key] != nil
        else {
            return nil
        }
        var problem = schema.absence(of: old, at: entry.value.location)
        problem.hint = "the new name comes first: { \(old): \(entry.key) }"
        return problem
    }
}

/// What a `rename` node does, checked.
struct RenamePlan: StagePlan {
    /// By new name.
    var oldNames: [String: String] = [:]

    func trace(_ meaning: inout EventMeaning) {
        let used = oldNames.filter { meaning.usedFields.contains($0.key) }
        meaning.usedFields.subtract(used.keys)
        for (new, old) in used.sorted(by: { $0.key < $1.key }) {
            meaning.usedFields.insert(old)
            meaning.add("field \(new)", "is \(old)")
        }
    }

    func build(in context: BuildContext) throws -> any Operator { PassOn() }
}
