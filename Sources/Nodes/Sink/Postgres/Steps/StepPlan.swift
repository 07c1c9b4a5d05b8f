import Declaration

/// What a `postgres` node runs after commits (`after_commit`), checked.
struct StepPlan: Sendable {
    /// Program and arguments; a line for the shell is one for `/bin/sh`.
    var command: [String]
    /// What people call it.
    var name: String
    /// What its environment has beside Millrace's own.
    var environment: [String: String]
    /// Whether it gets the rows that have changed.
    var sendsRows: Bool
    /// How long it may run.
    var timeout: Duration
    /// Resident bytes that it and its children may take; nil without a limit.
    var memoryMax: Int?
}

extension StepPlan {
    /// The fields of `after_commit`.
    static let fields = [
        FieldSpec(
            "command", .list(.string),
            "The program, a path or a name in PATH, and its arguments. One text with spaces is a line for `/bin/sh`. None of it "
                + "may come from `${NAME}`; use `env`.",
            required: true, example: "[python3, refresh.py]"),
        FieldSpec(
            "env", .map(.secret), "Variables of its environment, beside those that Millrace has and sets.",
            example: "{ API_KEY: \"${HOOK_KEY}\" }"),
        FieldSpec(
            "rows", .boolean,
            "Whether it gets the rows that have changed, as they are now, as lines of JSON on standard input.",
            default: "true"),
        FieldSpec(
            "timeout", .duration(.milliseconds(100)...(.seconds(86_400))), "How long it may run; then it is killed.",
            default: "1m"),
        FieldSpec(
            "memory", .bytes((1 << 20)...(1 << 40)),
            "The memory that it and whatever it starts may have at once (resident bytes, looked at ten times a second); then it "
                + "is killed.", example: "256MiB"),
    ]

    /// Reads the `after_commit` of a node.
    /// - Returns: nil when there is none, or when something is wrong, which was said.
    static func read(_ node: NodeDeclaration, _ problems: inout Diagnostics) -> StepPlan? {
        guard let config = node.config["after_commit"], !config.isInvalid else { return nil }
        let program = ProgramReader(config, of: node.name)
        let command = program.command(&problems)
        let environment = program.environment(&problems)
        guard let command, let environment, let rows = config.defaulted("rows").boolean,
            let timeout = config.defaulted("timeout").duration
        else { return nil }
        var memoryMax: Int?
        if let memory = config["memory"] {
            guard let bytes = memory.integer else { return nil }
            memoryMax = Int(bytes)
        }
        return StepPlan(
            command: command.words, name: command.name, environment: environment, sendsRows: rows, timeout: timeout,
            memoryMax: memoryMax)
    }
}
