import Dataflow
package import Declaration

extension PostgresTarget {
    /// The declaration of `postgres`.
    package static let spec = NodeSpec(
        name: "postgres", kind: .sink,
        summary: "Keeps a summary in a Postgres table, exactly once; makes the table or checks it.",
        fields: [
            FieldSpec(
                "url", .secret,
                "Where the database is: a `postgresql://` URL or libpq's `key=value` words. All `postgres` sinks of a "
                    + "topology share one database.",
                required: true, example: "\"${DATABASE_URL}\""),
            FieldSpec(
                "table", .string,
                "`table` or `schema.table`, taken literally, capitals included; without a schema the search path decides. "
                    + "Each part has at most 63 bytes.", required: true,
                example: "kpi_minute"),
            FieldSpec(
                "shared", .boolean,
                "Whether other topologies write the table too; all of them must say so, and use the same window, keys and "
                    + "metrics.", default: "false"),
        ],
        example: """
            kpi_minute:
              from: kpi
              postgres: { url: "${DATABASE_URL}", table: kpi_minute }
            """)
}
