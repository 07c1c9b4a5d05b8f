package import Dataflow
package import Declaration
package import Summaries

extension Summarize: NodeType {
    /// The declaration of `summarize`.
    package static let spec: NodeSpec = spec(of: .all)

    /// The declaration of `summarize` with these metrics and windows.
    package static func spec(of catalog: SummaryCatalog) -> NodeSpec {
        NodeSpec(
            name: "summarize", kind: .operator,
            summary: "Groups records by window and fields and keeps mergeable metrics of each group.",
            fields: [
                FieldSpec(
                    "window", catalog.windows.specType,
                    "Windows of event time; without it all time is one group. " + catalog.windows.reference,
                    example: "1m"),
                FieldSpec(
                    "windows", .list(catalog.windows.specType),
                    "Several windows at once, at most 8: the records are counted once, and coarser windows made of finer ones. "
                        + "Each has a table of its own, or all have one with the column `window_size`, such as `1h`.",
                    example: "[1m, 1h, { size: 1 day, zone: Europe/Berlin }]"),
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
                    "rollup", .list(.fieldName),
                    "Instead of `by`: grouping sets of all these fields, then of one fewer at a time from the end, down to "
                        + "the total, as in SQL.", example: "[country, city]"),
                FieldSpec(
                    "cube", .list(.fieldName),
                    "Instead of `by`: every grouping set that can be made of these fields, at most 6.",
                    example: "[event, platform, country]"),
                FieldSpec(
                    "metrics",
                    .map(
                        .shorthandObject(
                            "metric",
                            [
                                FieldSpec("metric", .metric, "The metric.", required: true),
                                FieldSpec("where", .expression, "Which records take part.", example: "revenue > 0"),
                            ])),
                    "The metrics by the name of their column, where `f` stands for a field: \(catalog.metrics.reference). "
                        + "A metric with a `: `, or with a comma inside `{ }`, needs quotes.",
                    required: true, example: "{ events: count(), users: uniques(user) }"),
                FieldSpec(
                    "columns", .map(.expression),
                    "Columns that are computed from the metrics of their row: numbers, columns of metrics, `+ - * /` and "
                        + "`( )`, in double precision; null where a divisor is 0 or a part is null. In Postgres they are "
                        + "generated columns.",
                    example: "{ error_ratio: errors / requests }"),
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
                    columns:
                      revenue_per_user: revenue / users

                kpi_by_segment:
                  from: records
                  summarize:
                    window: 1h
                    grouping_sets: [[event, platform, country], [event, country], [event, platform], [event], []]
                    metrics:
                      events: count()
                      users: uniques(user)
                """)
    }

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        compile(node, reading: input, of: .all, &problems)
    }

    /// Checks a declaration that may use these metrics and windows.
    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of catalog: SummaryCatalog, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        let plan = SummaryPlan.make(node, input: schema, catalog, &problems)
        return CompiledNode(.stage(plan), output: .groups(plan))
    }
}

extension SummaryPlan: StagePlan {
    package var neededHashes: Set<Int> { Set(metrics.compactMap(\.metric.neededHash)) }

    package func trace(_ meaning: inout EventMeaning) {
        meaning.usedFields.formUnion(fieldNames)
        if !windows.isEmpty || metrics.contains(where: { $0.metric.needsEventTime }) { meaning.usesEventTime = true }
    }

    package func build(in context: BuildContext) throws -> any Operator {
        Summarize(
            self, memory: context.memory,
            nulls: context.services[Remarks.self]?.watch { NullWatch(node: context.node, $0) })
    }
}
