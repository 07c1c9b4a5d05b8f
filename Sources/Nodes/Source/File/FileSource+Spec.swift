import Dataflow
package import Declaration

extension FileSource {
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
}
