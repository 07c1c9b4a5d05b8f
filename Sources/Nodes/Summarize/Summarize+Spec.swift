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
                    "too_late", .duration(.seconds(1)...bound),
                    "How far the event time of a record may be behind what its own partition has shown before; records "
                        + "further behind are refused: counted so in the ledger, and kept as dead letters with the cause "
                        + "`too_late`. Without it, late records are merged into their rows however late they are. Needs "
                        + "`too_early`.", example: "7d"),
                FieldSpec(
                    "too_early", .duration(.seconds(1)...bound),
                    "The same for records ahead of what their partition has shown, and of the time of their message or the "
                        + "last change of their file. Records so far ahead do not count as shown until there are a hundred, "
                        + "or ten that their messages vouch for. One topology has one `too_early`.", example: "10m"),
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

    /// The longest bound of event time: ten years.
    private static let bound = Duration.seconds(3_660 * 86_400)

    /// Checks a declaration that may use these metrics and windows.
    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of catalog: SummaryCatalog, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        let plan = SummaryPlan.make(node, input: schema, catalog, &problems)
        let bounds = plan.bounds.map { bounds in
            [EarlyBound(early: bounds.early, location: node.config["too_early"]?.location ?? node.location)]
        }
        return CompiledNode(.stage(plan), output: .groups(plan), resources: bounds ?? [])
    }
}

extension SummaryPlan: StagePlan {
    package var neededHashes: Set<Int> { Set(metrics.compactMap(\.metric.neededHash)) }

    package func trace(_ meaning: inout EventMeaning) {
        meaning.usedFields.formUnion(fieldNames)
        if let bounds {
            meaning.usesEventTime = true
            meaning.add("only if", bounds.definition)
        }
        if !windows.isEmpty || metrics.contains(where: { $0.metric.needsEventTime }) { meaning.usesEventTime = true }
    }

    package var clockReach: Int64? { bounds?.early }

    package func build(in context: BuildContext) throws -> any Operator {
        Summarize(
            self, memory: context.memory,
            nulls: context.services[Remarks.self]?.watch { NullWatch(node: context.node, $0) },
            sharing: Summarize.Sharing(of: self, among: context.siblings))
    }
}
