import Dataflow
import Declaration
import TopologyFile

/// Node types and settings of the tests: one of every kind and every field type, like the product's but fixed.
enum SampleSpecs {
    static let specs = [kafka, parse, filter, summarize, postgres, console]

    static let settings = [
        FieldSpec("memory", .bytes(64 << 20...1 << 40), "Memory budget.", default: "512MiB", example: "1GiB"),
        FieldSpec(
            "commit_interval", .duration(.milliseconds(10)...(.seconds(3600))), "Time between commits.", default: "1s"),
    ]

    static let kafka = NodeSpec(
        name: "kafka", kind: .source, summary: "Reads messages from Kafka topics.",
        fields: [
            FieldSpec("brokers", .string, "Bootstrap servers.", required: true, example: "localhost:9092"),
            FieldSpec("topics", .list(.string), "Topics to read.", required: true, example: "[game.events]"),
            FieldSpec("start", .choice(["earliest", "latest"]), "Where a first start begins.", default: "earliest"),
            FieldSpec("password", .secret, "SASL password."),
            FieldSpec("settings", .map(.secret), "Further client settings."),
        ],
        example: "events:\n  kafka: { brokers: localhost:9092, topics: [game.events] }")

    static let parse = NodeSpec(
        name: "parse_json", kind: .operator, summary: "Parses JSON messages into records.",
        fields: [
            FieldSpec("event_time", .fieldName, "Field of the event time."),
            FieldSpec(
                "fields",
                .map(
                    .shorthandObject(
                        "type",
                        [
                            FieldSpec("path", .string, "Path in the document."),
                            FieldSpec("type", .recordFieldType, "Type of the field.", required: true),
                            FieldSpec("required", .boolean, "Whether a record must have it.", default: "false"),
                            FieldSpec("on_type_error", .choice(["dead_letter", "null"]), "What then."),
                        ])), "The fields to read.", required: true),
            FieldSpec("depth_max", .integer(1...1024), "Deepest nesting.", default: "64"),
        ],
        example: "records:\n  from: events\n  parse_json: { fields: { user: text } }")

    static let filter = NodeSpec(
        name: "filter", kind: .operator, summary: "Keeps the records for which a condition is true.",
        fields: [FieldSpec("where", .expression, "The condition.", required: true, example: "revenue > 0")],
        shorthand: "where", example: "paying:\n  from: records\n  filter: revenue > 0")

    static let summarize = NodeSpec(
        name: "summarize", kind: .operator, summary: "Groups records and computes metrics.",
        fields: [
            FieldSpec("window", .duration(.seconds(1)...(.seconds(7 * 86_400))), "Length of a window."),
            FieldSpec("by", .list(.fieldName), "Key fields.", default: "[]"),
            FieldSpec(
                "metrics",
                .map(
                    .shorthandObject(
                        "metric",
                        [
                            FieldSpec("metric", .metric, "The metric.", required: true),
                            FieldSpec("where", .expression, "Records that count."),
                        ])), "The metrics.", required: true),
        ],
        example: "kpi:\n  from: records\n  summarize: { metrics: { events: count() } }")

    static let postgres = NodeSpec(
        name: "postgres", kind: .sink, summary: "Writes rows into a Postgres table.",
        fields: [
            FieldSpec("url", .secret, "Connection URL.", required: true, example: "\"${DATABASE_URL}\""),
            FieldSpec("table", .string, "The table.", required: true, example: "kpi_minute"),
        ],
        example: "rows:\n  from: kpi\n  postgres: { url: \"${DATABASE_URL}\", table: kpi }")

    static let console = NodeSpec(
        name: "console", kind: .sink, summary: "Prints rows.",
        fields: [FieldSpec("max_rows", .integer(1...1000), "The most rows.", default: "100")],
        example: "show:\n  from: kpi\n  console: { max_rows: 20 }")

    /// Reads a file as `t.yaml`.
    static func read(
        _ text: String, environment: [String: String] = ["DATABASE_URL": "postgres://u:canary-1f3a@db/x"]
    ) -> (TopologyDeclaration?, Diagnostics) {
        TopologyReader(specs: specs, settings: settings, environment: environment).read(file: "t.yaml", text: text)
    }

    /// The diagnostics of a file, a line each.
    static func lines(_ text: String) -> [String] {
        read(text).1.all.map(\.description)
    }

    /// A source, an operator and a sink without a fault; tests append to it.
    static let whole = """
        topology: game_kpis
        nodes:
          events:
            kafka: { brokers: "localhost:9092", topics: [game.events] }
          records:
            from: events
            parse_json: { fields: { ts: timestamp, revenue: decimal(2) } }
          rows:
            from: records
            postgres: { url: "${DATABASE_URL}", table: rows }

        """
}
