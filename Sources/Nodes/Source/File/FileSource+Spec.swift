package import Dataflow
package import Declaration

extension FileSource: NodeType {
    /// The declaration of `file`.
    package static let spec = NodeSpec(
        name: "file", kind: .source,
        summary: "Reads newline-delimited JSON from files, pipes or standard input, plain or gzip, and then ends.",
        fields: [
            FieldSpec(
                "paths", .list(.string),
                "Paths and shell patterns; each file is read once, in the order of the names; `-` is standard input. A run "
                    + "continues where the last one committed, even if a file was renamed, rotated or compressed since.",
                required: true, example: "[events/2026-*.ndjson.gz]"),
            FieldSpec(
                "copies", .choice(["refuse", "skip", "count"]),
                "What to do with a file that begins with everything that was read of another file of the same run: stop the "
                    + "run, leave the file out, or count it as a file of its own.", default: "refuse"),
        ],
        shorthand: "paths",
        example: """
            events:
              file: events/2026-*.ndjson.gz
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        if let paths = node.config["paths"], paths.list?.isEmpty ?? false {
            problems.append(
                Diagnostic(
                    code: "no-files", at: paths.location, "node \(node.name) reads no file, found an empty list",
                    hint: "for example paths: [events.ndjson]"))
        }
        return CompiledNode(
            // Lines have a position, and nothing else that would be the same when a file is renamed.
            .source(FilePlan.make(node)), output: .messages(MessageOffer(source: spec.name) { $0 == .offset }),
            resources: InputName.all(.path, in: node.config["paths"], of: node))
    }
}

extension FilePlan: SourcePlan {
    package var endsByItself: Bool { !readsStandardInput }
    package var readsStandardInput: Bool { patterns.contains { FilePlan.isStandardInput($0.text) } }
    package var positionTopics: Set<String>? { nil }
    package var queues: QueueClaim? { nil }

    package func trace(_ meaning: inout EventMeaning) {}

    package func build(in context: BuildContext) throws -> any Source {
        FileSource(
            self, topology: context.topology, recordBytesMax: context.messageBytesMax, memory: context.memory,
            logger: context.logger)
    }

    /// Whether a path is standard input under one of its names.
    package static func isStandardInput(_ path: String) -> Bool {
        ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(path)
    }
}
