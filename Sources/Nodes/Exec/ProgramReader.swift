import Declaration

/// Reads what says which program a node runs: `command` and `env`.
struct ProgramReader {
    private let config: ConfigValue
    private let node: String

    /// - Parameters:
    ///   - config: the map that has `command` and `env`.
    ///   - node: the node's name.
    init(_ config: ConfigValue, of node: String) {
        self.config = config
        self.node = node
    }

    /// The program and its arguments, and what people call it; nil when something is wrong, which was said.
    func command(_ problems: inout Diagnostics) -> (words: [String], name: String)? {
        guard let value = config["command"], let list = value.list else { return nil }
        let words = list.compactMap(\.string)
        guard words.count == list.count else { return nil }
        if let secret = list.first(where: \.isFromEnvironment) {
            problems.append(
                Diagnostic(
                    code: "exec-command", at: secret.location,
                    "the command of \(node) has something from the environment in it, and every user of the machine can "
                        + "read the arguments of a program",
                    hint: "give it to the program in a variable: env: { NAME: \"${NAME}\" }"))
            return nil
        }
        guard let program = words.first, !program.isEmpty, !words.contains(where: { $0.utf8.contains(0) }) else {
            problems.append(
                Diagnostic(
                    code: "exec-command", at: value.location,
                    "the command of \(node) names no program, expected one and its arguments",
                    hint: "for example [python3, -u, score.py]"))
            return nil
        }
        guard words.count == 1, program.contains(" ") else {
            return (words, program.split(separator: "/").last.map(String.init) ?? program)
        }
        let name = program.split(separator: " ").first.map(String.init) ?? program
        return (["/bin/sh", "-c", program], name)
    }

    /// Bytes of memory that it may have; nil where nothing is said.
    ///
    /// Written out: the optimiser of Swift 6.3 crashes on `config["memory"]?.integer.map { Int($0) }`.
    var memoryMax: Int? {
        guard let memory = config["memory"], let bytes = memory.integer else { return nil }
        return Int(bytes)
    }

    /// The variables of its environment; nil when something is wrong, which was said.
    func environment(_ problems: inout Diagnostics) -> [String: String]? {
        var environment: [String: String] = [:]
        guard let given = config["env"] else { return environment }
        for entry in given.entries ?? [] {
            guard let value = entry.value.string else { return nil }
            guard !entry.key.isEmpty, !entry.key.contains("="), !(entry.key + value).utf8.contains(0) else {
                problems.append(
                    Diagnostic(
                        code: "exec-env", at: entry.keyLocation,
                        "a variable cannot be called or hold that, expected a name without = and a text without NUL"))
                return nil
            }
            environment[entry.key] = value
        }
        return given.isInvalid ? nil : environment
    }
}
