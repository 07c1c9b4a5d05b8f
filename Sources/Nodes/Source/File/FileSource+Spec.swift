package import Dataflow

extension FileSource {
    /// The declaration of `file`.
    package static let spec = NodeSpec(
        name: "file", kind: .source,
        summary: "Reads newline-delimited JSON from files, pipes or standard input, plain or gzip, and then ends.",
        fields: [
            FieldSpec(
                "paths", .list(.string),
                "Paths and shell patterns, read once each in order of their names; `-` is standard input. A run "
                    + "continues where the last one committed, also when a file was renamed, rotated or packed since.",
                required: true, example: "[events/2026-*.ndjson.gz]"),
            FieldSpec(
                "copies", .choice(["refuse", "skip", "count"]),
                "What becomes of a file that begins with everything that was read of another one of the same run: the run "
                    + "stops, the file is left out, or it counts as a file of its own.", default: "refuse"),
        ],
        shorthand: "paths",
        example: """
            events:
              file: events/2026-*.ndjson.gz
            """)
}
