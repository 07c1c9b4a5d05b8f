import Dataflow
import Declaration
import JSON

/// What an `exec` node does, checked.
struct ExecPlan: StagePlan {
    /// A field that the program answers.
    struct Field: Sendable {
        /// The field's name.
        var name: String
        /// The column that it fills.
        var column: Int
        /// Where it is in an answer, and its type.
        var declaration: FieldDeclaration
        /// The type as a topology file has it.
        var typeName: String

        /// What else is said of its values; nothing where that is as usual.
        var terms: [String] {
            var terms: [String] = []
            if declaration.type == .text, declaration.textLengthMax != JSONLimits.textLengthDefault {
                terms.append("at most \(declaration.textLengthMax) bytes")
            }
            if declaration.isRequired { terms.append("required") }
            if declaration.onTypeError == .null { terms.append("anything else is null") }
            return terms
        }
    }

    /// How long a program lives.
    enum Mode: String, Sendable {
        /// As long as the topology: it answers each line when it comes.
        case stream
        /// For one run: it may answer when its input has ended.
        case batch
    }

    /// The node's name.
    var node: String
    /// Program and arguments; a line for the shell is one for `/bin/sh`.
    var command: [String]
    /// What people call it.
    var name: String
    /// What its environment has beside Millrace's own.
    var environment: [String: String]
    /// The fields of a record that it gets.
    var sent: [RecordSchema.Field]
    /// The fields that it answers.
    var fields: [Field]
    /// The field whose number an answer must repeat.
    var echo: String?
    var mode: Mode
    /// How long it may say nothing while it has records in hand.
    var timeout: Duration
    /// How much longer it may say nothing until its first answer.
    var startup: Duration
    /// How often a record is tried alone.
    var attempts: Int
    /// Resident bytes that it and its children may take; nil without a limit.
    var memoryMax: Int?

    var addedColumns: [ColumnType] { fields.map { ColumnType($0.declaration.type) } }

    /// One program: each batch more is one that waits for it, and no thread should wait with it.
    var usualConcurrency: Int? { 1 }

    /// Each program has a permit, at work or not.
    var takesPermits: Bool { true }

    /// Which program it is and what it gets is what its answers depend on, not the folder that it is in; what it is made of,
    /// nobody here can see.
    func trace(_ meaning: inout EventMeaning) {
        let used = fields.filter { field in
            let isUsed = meaning.usedFields.remove(field.name) != nil
            // One that nothing reads still decides, if it makes dead letters.
            return isUsed || field.declaration.isRequired || field.declaration.onTypeError == .reject
        }
        meaning.usedFields.formUnion(sent.map(\.name))
        let program = "\([name] + command.dropFirst()) of \(sent.map(\.name).sorted().joined(separator: ", "))"
        for field in used {
            let path = field.declaration.path.joined(separator: ".")
            let kind = ([field.typeName] + field.terms).joined(separator: ", ")
            meaning.add("field \(field.name)", "is \(path) (\(kind)) answered by \(program)")
        }
        meaning.add("only if", "there is an answer of \(program)")
    }

    func build(in context: BuildContext) throws -> any Operator {
        Exec(
            self,
            pool: ProgramPool(
                self, limit: context.concurrency ?? 1, gate: context.permits, logger: context.logger),
            hashedColumns: context.hashedColumns, memory: context.memory)
    }
}
