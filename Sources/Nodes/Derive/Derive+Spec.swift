import Dataflow
package import Declaration
import Expressions

extension Derive: NodeType {
    /// The declaration of `derive`.
    package static let spec = NodeSpec(
        name: "derive", kind: .operator,
        summary: "Adds fields that are computed from others, usable at once in everything behind it.",
        fields: [
            FieldSpec(
                "fields", .map(.expression),
                "The new fields by name, each with its expression; docs/functions.md has the functions. An expression may use "
                    + "the fields above it; a field of the records that has the name already is replaced for what follows, unless it is "
                    + "the event time.",
                required: true, example: "{ endpoint: \"lower(split_part(uri, '?', 1))\" }")
        ],
        shorthand: "fields",
        example: """
            shaped:
              from: records
              derive:
                seconds: duration_ms / 1000
                class: "case when revenue > 50 then 'whale' when revenue > 0 then 'payer' else 'player' end"
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        var schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        var plan = DerivePlan(node: node.name, fields: [])
        var isWhole = node.config["fields"]?.namesSomething(&problems) ?? false
        for entry in node.config["fields"]?.entries ?? [] { schema.departed[entry.key] = .madeBelow }
        for entry in node.config["fields"]?.entries ?? [] {
            guard let field = DerivedField.make(entry, reading: schema, column: plan.nextColumn(of: schema), &problems)
            else {
                isWhole = false
                schema.fields.removeAll { $0.name == entry.key }
                schema.unresolved.insert(entry.key)
                schema.departed[entry.key] = nil
                continue
            }
            if let problem = schema.replacementOfEventTime(by: entry, of: node) { problems.append(problem) }
            plan.fields.append(field)
            schema.set(
                RecordSchema.Field(
                    name: field.name, type: field.expression.resultType, column: field.column,
                    isOfDocument: !field.reads.isEmpty
                        && field.reads.allSatisfy { schema[$0]?.isOfDocument ?? false }))
        }
        return CompiledNode(isWhole ? .stage(plan) : .broken, output: .records(schema))
    }
}

/// One computed field, checked.
struct DerivedField: Sendable {
    /// The field's name.
    var name: String
    /// The column that it fills.
    var column: Int
    /// Its expression.
    var expression: TypedExpression
    /// What it says, in canonical form, or something that stands for it where it holds a secret.
    var meaning: String
    /// The fields that it reads.
    var reads: Set<String>

    static func make(
        _ entry: ConfigEntry, reading schema: RecordSchema, column: Int, _ problems: inout Diagnostics
    ) -> DerivedField? {
        if let problem = FieldName.problem(entry.key, at: entry.keyLocation) {
            problems.append(problem)
            return nil
        }
        guard let text = entry.value.string else { return nil }
        do throws(Diagnostics) {
            let expression = try Expression.parse(text, at: entry.value.location)
            let typed = try expression.check(against: schema)
            problems.append(contentsOf: typed.warnings)
            return DerivedField(
                name: entry.key, column: column, expression: typed,
                meaning: entry.value.isFromEnvironment ? "sha256 \(expression.fingerprint)" : expression.canonicalText,
                reads: expression.fieldNames)
        } catch {
            problems.append(contentsOf: error)
            return nil
        }
    }
}

/// What a `derive` node does, checked.
struct DerivePlan: StagePlan {
    /// The node's name.
    var node: String
    /// The fields, each after those that it reads.
    var fields: [DerivedField]

    var addedColumns: [ColumnType] { fields.map(\.expression.resultType) }

    /// The number of the column that the next field fills.
    func nextColumn(of schema: RecordSchema) -> Int { schema.nextColumn + fields.count }

    /// From the last field to the first: what a field reads is what those above it made.
    func trace(_ meaning: inout EventMeaning) {
        for field in fields.reversed() where meaning.usedFields.remove(field.name) != nil {
            meaning.usedFields.formUnion(field.reads)
            meaning.add("field \(field.name)", "is \(field.meaning)")
        }
    }

    func build(in context: BuildContext) throws -> any Operator {
        Derive(
            name: node, fields: fields, hashedColumns: Set(context.hashedColumns),
            nulls: context.services[Remarks.self]?.watch { NullWatch(node: node, $0) },
            memory: context.memory)
    }
}

extension RecordSchema {
    /// Adds a field, in place of one that has its name.
    mutating func set(_ field: Field) {
        unresolved.remove(field.name)
        lacking[field.name] = nil
        departed[field.name] = nil
        if let index = fields.firstIndex(where: { $0.name == field.name }) {
            fields[index] = field
        } else {
            fields.append(field)
        }
    }
}
