import Dataflow
import Declaration

/// A node that decides which fields there are, and what none of the rows behind it depends on.
struct ShapePlan: StagePlan {
    /// The names of the fields that there are behind it.
    var fields: Set<String> = []

    func trace(_ meaning: inout EventMeaning) {}

    func build(in context: BuildContext) throws -> any Operator { PassOn() }
}

extension ShapePlan: QueryableStage {
    /// The same records: only the names are known to fewer.
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        var output = input
        output.fields.removeAll { !fields.contains($0.name) }
        return output
    }
}

extension ConfigValue {
    /// Whether a list or a map of fields has any; says so when it has none.
    func namesSomething(_ problems: inout Diagnostics) -> Bool {
        guard list?.isEmpty ?? entries?.isEmpty ?? false else { return !isInvalid }
        problems.append(
            Diagnostic(
                code: "no-fields", at: location, "no field is named here, expected one at least",
                hint: "name one, or remove the node"))
        return false
    }

    /// The names of fields in a list, nil when one of them is not known, which is said.
    func fieldNames(of schema: RecordSchema, _ problems: inout Diagnostics) -> Set<String>? {
        var names: Set<String> = []
        var isWhole = namesSomething(&problems)
        for value in list ?? [] {
            guard let name = value.string, schema.field(name, at: value.location, &problems) != nil else {
                isWhole = false
                continue
            }
            guard names.insert(name).inserted else {
                problems.append(
                    Diagnostic(
                        code: "field-twice", at: value.location, "field \(name) is named twice", hint: "name it once"))
                isWhole = false
                continue
            }
        }
        return isWhole ? names : nil
    }
}

extension RecordSchema {
    /// Takes fields away on behalf of a node.
    mutating func leaveOut(named node: String, where isMeant: (String) -> Bool) {
        for field in fields where isMeant(field.name) { departed[field.name] = .leftOut(by: node) }
        fields.removeAll { isMeant($0.name) }
    }

    /// The same records, of which more may be known than these fields: a diagnostic says why nobody can tell.
    func opened() -> RecordSchema {
        var schema = self
        schema.isOpen = true
        return schema
    }
}
