import Dataflow
package import Declaration

extension ProgramSource: NodeType {
    /// The declaration of `exec` without `from`.
    package static let spec = NodeSpec(
        name: "exec_source", word: "exec", kind: .source,
        summary:
            "Without `from`, `exec` reads the lines of JSON that a program of yours writes, and ends when it ends with exit code "
            + "0. It must be able to go on where it was, and `restart` says how.",
        fields: [
            FieldSpec(
                "command", .list(.string),
                "The program, a path or a name in PATH, and its arguments. One text with spaces is a line for `/bin/sh`. None of "
                    + "it may come from `${NAME}`; use `env`.",
                required: true, example: "[python3, -u, orders.py]"),
            FieldSpec(
                "restart", .choice(["repeats", "resumes"]),
                "What the program does when it is run again. `repeats`: it writes the same lines from the first one on; those that "
                    + "were read are compared and skipped. `resumes`: it begins with the line whose number, from 0, is in "
                    + "`MILLRACE_POSITION`: the last one that was read, which is compared.",
                required: true, example: "resumes"),
            FieldSpec(
                "position", .string,
                "What its position is called in `millrace.partitions`, after `exec:`; the node's name unless given. Whoever "
                    + "renames the node gives the old name.", example: "orders"),
            FieldSpec(
                "env", .map(.secret), "Variables of its environment, beside those that Millrace has and sets.",
                example: "{ API_KEY: \"${ORDERS_KEY}\" }"),
            FieldSpec(
                "memory", .bytes((1 << 20)...(1 << 40)),
                "The memory that it and whatever it starts may have at once (resident bytes, looked at ten times a second); then "
                    + "it is killed, and run again.", example: "256MiB"),
        ],
        example: """
            orders:
              exec: { command: [python3, -u, orders.py], restart: resumes }
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let program = ProgramReader(node.config, of: node.name)
        let command = program.command(&problems)
        let environment = program.environment(&problems)
        let restart = node.config["restart"]?.string.flatMap(ProgramPlan.Restart.init)
        let output = Edge.messages(MessageOffer(source: "exec") { $0 == .offset })
        guard let command, let environment, let restart else { return CompiledNode(.broken, output: output) }
        let position = node.config["position"]
        let plan = ProgramPlan(
            node: node.name, position: position?.string ?? node.name, command: command.words, name: command.name,
            environment: environment, restart: restart, memoryMax: program.memoryMax)
        let resource = InputName(
            kind: .program, name: plan.key.topic, node: node.name, location: position?.location ?? node.location)
        return CompiledNode(.source(plan), output: output, resources: [resource])
    }
}
