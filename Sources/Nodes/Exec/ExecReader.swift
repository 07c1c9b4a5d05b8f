import Dataflow
import Declaration
import JSON

/// Reads an `exec` declaration.
struct ExecReader {
    private let node: NodeDeclaration
    private let input: RecordSchema
    /// The records that the node hands on, as far as they are known.
    private(set) var output: RecordSchema

    init(_ node: NodeDeclaration, _ input: RecordSchema) {
        self.node = node
        self.input = input
        output = input
    }

    private var config: ConfigValue { node.config }

    /// - Returns: the plan, nil when something is wrong, which was said.
    mutating func read(_ problems: inout Diagnostics) -> ExecPlan? {
        let program = ProgramReader(config, of: node.name)
        let command = program.command(&problems)
        let sent = sent(&problems)
        let fields = fields(&problems)
        let environment = program.environment(&problems)
        let isEchoRight = checkEcho(sent ?? [], &problems)
        guard let command, let sent, let fields, let environment, isEchoRight, let limits = limits(),
            let mode = config.defaulted("mode").string.flatMap(ExecPlan.Mode.init)
        else { return nil }
        return ExecPlan(
            node: node.name, command: command.words, name: command.name, environment: environment, sent: sent,
            fields: fields, echo: config["echo"]?.string, mode: mode, timeout: limits.timeout,
            startup: limits.startup, attempts: limits.tries, memoryMax: limits.memory)
    }

    /// What a program may take of time and memory; nil when one of the values is none.
    private func limits() -> (timeout: Duration, startup: Duration, tries: Int, memory: Int?)? {
        guard let timeout = config.defaulted("timeout").duration,
            let startup = config.defaulted("startup").duration, let tries = config.defaulted("tries").integer
        else { return nil }
        guard let memory = config["memory"] else { return (timeout, startup, Int(tries), nil) }
        guard let bytes = memory.integer else { return nil }
        return (timeout, startup, Int(tries), Int(bytes))
    }

    private func sent(_ problems: inout Diagnostics) -> [RecordSchema.Field]? {
        guard let list = config["send"] else { return input.isOpen ? nil : input.fields }
        guard !list.isInvalid, let names = list.fieldNames(of: input, &problems) else { return nil }
        return input.fields.filter { names.contains($0.name) }
    }

    private func checkEcho(_ sent: [RecordSchema.Field], _ problems: inout Diagnostics) -> Bool {
        guard let echo = config["echo"] else { return true }
        guard let name = echo.string else { return false }
        let problem =
            sent.contains { $0.name == name }
            ? Diagnostic(
                code: "field-twice", at: echo.location,
                "echo is \(name), which the records that are sent have already, expected a new name",
                hint: "write millrace_number")
            : FieldName.problem(name, at: echo.location)
        if let problem { problems.append(problem) }
        return problem == nil
    }

    // MARK: - What it answers

    private mutating func fields(_ problems: inout Diagnostics) -> [ExecPlan.Field]? {
        guard let entries = config["add"]?.entries, config["add"]?.namesSomething(&problems) ?? false else {
            output.isOpen = true
            return nil
        }
        var fields: [ExecPlan.Field] = []
        for entry in entries {
            guard let field = field(entry, column: input.nextColumn + fields.count, &problems) else {
                output.fields.removeAll { $0.name == entry.key }
                output.unresolved.insert(entry.key)
                continue
            }
            if let problem = input.replacementOfEventTime(by: entry, of: node) { problems.append(problem) }
            fields.append(field)
            let type = ColumnType(field.declaration.type)
            output.set(
                RecordSchema.Field(
                    name: field.name, type: type, column: field.column,
                    textBytesMax: type == .text ? field.declaration.textLengthMax : nil))
        }
        return fields.count == entries.count ? fields : nil
    }

    private func field(
        _ entry: ConfigEntry, column: Int, _ problems: inout Diagnostics
    ) -> ExecPlan.Field? {
        if let problem = FieldName.problem(
            entry.key, at: entry.keyLocation, other: "say where it is with path: \(entry.key)")
        {
            problems.append(problem)
            return nil
        }
        guard let declared = entry.value["type"], let text = declared.string else { return nil }
        guard let type = ParsePlan.fieldType(text) else {
            problems.append(ParsePlan.typeProblem(text, at: declared.location))
            return nil
        }
        var keys = [entry.key]
        if let path = entry.value["path"] {
            guard let text = path.string else { return nil }
            do throws(FieldPath.Problem) {
                let read = try FieldPath(text)
                guard read.choices.isEmpty else {
                    throw FieldPath.Problem(
                        what: "chooses an element of an array",
                        hint: "have the program answer a member of its own for it")
                }
                keys = read.keys
            } catch {
                problems.append(
                    Diagnostic(
                        code: "field-path", at: path.location,
                        "the path of \(entry.key) \(error.what), found \"\(text)\", expected keys joined by dots",
                        hint: error.hint))
                return nil
            }
        }
        let declaration = FieldDeclaration(
            path: keys, type: type, isRequired: entry.value.defaulted("required").boolean ?? false,
            onTypeError: entry.value.defaulted("on_type_error").string == "null" ? .null : .reject,
            textLengthMax: Int(entry.value.defaulted("max_bytes").integer ?? 0))
        return ExecPlan.Field(name: entry.key, column: column, declaration: declaration, typeName: text)
    }
}
