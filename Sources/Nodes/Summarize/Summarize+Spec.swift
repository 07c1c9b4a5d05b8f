package import Dataflow
package import Declaration
package import Summaries

extension Summarize: NodeType {
    /// The longest window: 366 days.
    static let windowMax = Duration.seconds(366 * 86_400)

    /// The declaration of `summarize`.
    package static let spec = NodeSpec(
        name: "summarize", kind: .operator,
        summary: "Groups records by window and fields and keeps mergeable metrics of each group.",
        fields: [
            FieldSpec(
                "window", .duration(.seconds(1)...windowMax),
                "The length of tumbling windows of event time, aligned to 1970 in UTC; without it all time is one group. "
                    + "`1d` is a day in UTC; windows of weeks begin on Thursdays; windows whose length does not divide a day "
                    + "begin at another time every day.",
                example: "1m"),
            FieldSpec(
                "by", .list(.fieldName),
                "The fields to group by, at most 10; a missing value is a group of its own; without fields all records "
                    + "are one group.",
                example: "[event, platform, country]"),
            FieldSpec(
                "grouping_sets", .list(.list(.fieldName)),
                "Instead of `by`: several lists of fields to group by, at most 64 lists of at most 10 fields in all. Each "
                    + "makes its own rows, told apart by the column `grouping_set`, such as `event,country`; `[]` is the "
                    + "total, `()`.",
                example: "[[event, platform, country], [event, country], [event], []]"),
            FieldSpec(
                "metrics",
                .map(
                    .shorthandObject(
                        "metric",
                        [
                            FieldSpec("metric", .metric, "The metric.", required: true),
                            FieldSpec("where", .expression, "Which records take part.", example: "revenue > 0"),
                        ])),
                "The metrics by the name of their column: `count()`, `sum(f)`, `min(f)`, `max(f)`, `avg(f)`, "
                    + "`uniques(f)` or, in quotes, `\"uniques(f, precision: precise)\"` (or `compact`), "
                    + "`percentiles(f, 50, 95, 99)` with percents from 0 to 100. A metric with a `: `, or with a comma inside "
                    + "`{ }`, needs quotes.",
                required: true, example: "{ events: count(), users: uniques(user) }"),
        ],
        example: """
            kpi:
              from: records
              summarize:
                window: 1m
                by: [event, platform, country]
                metrics:
                  events: count()
                  users: uniques(user)
                  duration: percentiles(duration_ms, 50, 95, 99)
                  revenue: sum(revenue)
                  big_spenders: { metric: uniques(user), where: "revenue > 50" }

            kpi_by_segment:
              from: records
              summarize:
                window: 1h
                grouping_sets: [[event, platform, country], [event, country], [event, platform], [event], []]
                metrics:
                  events: count()
                  users: uniques(user)
            """)

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        let plan = SummaryPlan.make(node, input: schema, &problems)
        return CompiledNode(.stage(plan), output: .groups(plan))
    }
}

extension SummaryPlan: StagePlan {
    package var neededHashes: Set<Int> { Set(metrics.filter(\.needsHashes).compactMap(\.column)) }

    package func trace(_ meaning: inout EventMeaning) {
        meaning.usedFields.formUnion(fieldNames)
        if windowMicroseconds != nil { meaning.usesEventTime = true }
    }

    package func build(in context: BuildContext) throws -> any Operator { Summarize(self, memory: context.memory) }
}
