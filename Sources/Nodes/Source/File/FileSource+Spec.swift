package import Dataflow

extension FileSource {
    /// The declaration of `file`.
    package static let spec = NodeSpec(
        name: "file", kind: .source,
        summary: "Reads newline-delimited JSON from files or standard input, plain or gzip, and then ends.",
        fields: [
            FieldSpec(
                "paths", .list(.string),
                "Paths and shell patterns, read once each in order of their names; `-` is standard input. A run "
                    + "continues where the last one committed.",
                required: true, example: "[events/2026-*.ndjson.gz]")
        ],
        shorthand: "paths",
        example: """
            events:
              file: events/2026-*.ndjson.gz
            """)
}
