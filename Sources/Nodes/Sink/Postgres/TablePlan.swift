import Dataflow
import Declaration
import Foundation
import Logging
import Postgres
import Summaries

/// What a `postgres` node keeps, checked.
struct TablePlan: SinkPlan {
    /// Where the database is.
    var url: String
    /// A table of the node.
    struct Table: Sendable {
        /// The table as the file names it.
        var name: String
        /// The position of its window among those of the summary; nil when it has all of them.
        var window: Int?
        /// How long rows are kept after their window has ended, in microseconds; nil for good.
        var keep: Int64?
    }

    /// The tables: one, or one for each window.
    var tables: [Table]
    /// Whether other topologies write it too.
    var isShared: Bool
    /// The summary in front of it.
    var summary: SummaryPlan
    /// What is run after commits, nil for nothing.
    var step: StepPlan?

    var isStored: Bool { true }

    func build(in context: BuildContext) throws -> RunningSink {
        guard let input = context.input, let summarize = input.operator as? Summarize else {
            preconditionFailure("a postgres sink was compiled onto a node that is no summarize")
        }
        let sinks = tables.map { table in
            TableSink(
                name: context.node, node: input.number,
                plan: table.window.map { summary.only(window: $0) } ?? summary, window: table.window,
                table: table.name, isShared: isShared, keep: table.keep, events: context.meaning.lines,
                feed: TableFeed(topics: context.positionTopics, elsewhere: context.otherTopics),
                nodesInFront: context.nodesInFront, step: step.map { TableStep(plan: $0, logger: context.logger) })
        }
        return .stored(StoredTables(url: url, sinks: sinks, refused: summarize.refused))
    }

    /// Rows are found by their keys, through an index of Postgres that takes so many bytes and no more.
    static func warnOfLongKeys(_ plan: SummaryPlan, at place: SourceLocation, _ problems: inout Diagnostics) {
        let longest = plan.longestKeys
        guard longest.bytes > SummaryPlan.keyBytesMax else { return }
        problems.append(
            Diagnostic(
                .warning, code: "long-keys", at: place,
                "the fields to group by may take \(longest.bytes) bytes (\(longest.texts.joined(separator: ", "))), "
                    + "expected at most \(SummaryPlan.keyBytesMax), which is what an index of Postgres holds: events with "
                    + "longer values become dead letters",
                hint: "lower max_bytes of these fields in parse_json"))
    }
}

extension TablePlan {
    /// The most columns that Postgres gives a table.
    private static let columnsMax = 1_600

    /// Postgres refuses more columns, and rows too wide for a page only when they come.
    static func checkWidth(_ plan: SummaryPlan, at place: SourceLocation, _ problems: inout Diagnostics) {
        // The key and its name, the window's two, the set's name.
        let count = 5 + plan.keys.count + plan.generated.count + plan.metrics.map(\.metric.columns.count).reduce(0, +)
        guard count > columnsMax else { return }
        problems.append(
            Diagnostic(
                code: "too-many-columns", at: place,
                "a table would have some \(count) columns, and Postgres gives it \(columnsMax)",
                hint: "split the metrics over several summarize nodes with tables of their own"))
    }
}

/// The tables of one sink, written in the transaction of the commit.
private struct StoredTables: StoredSink {
    var url: String
    var sinks: [TableSink]
    var refused: RefusedGroups

    func target(
        for sinks: [any StoredSink], observers: [any EpochObserver], in context: BuildContext
    ) throws -> any CommitTarget {
        let tables = sinks.map { sink -> StoredTables in
            guard let table = sink as? StoredTables else { preconditionFailure("stored beside tables of Postgres") }
            return table
        }
        let logger = context.logger
        let settings = try ConnectionSettings(url: url)
        context.services[SecretKeeper.self]?.conceal(settings.secrets)
        return PostgresTarget(
            topology: context.topology, owner: "\(ProcessInfo.processInfo.hostName):\(getpid())",
            settings: settings, sinks: tables.flatMap(\.sinks),
            acceptsGaps: context.services[TableGaps.self]?.areAccepted ?? false,
            refused: Dictionary(tables.flatMap { table in table.sinks.map { ($0.node, table.refused) } }) { first, _ in
                first
            },
            memory: context.memory, observers: observers, replaying: context.services[ReplayDesk.self]
        ) { warning in
            logger.warning("A table needs attention", metadata: ["what": "\(warning)"])
        } onRetention: { table, partitions, end in
            logger.info(
                "Old rows were dropped",
                metadata: ["table": "\(table)", "partitions": "\(partitions)", "before": "\(end)"])
        } onNotice: { notice in
            logger.debug("Postgres notice", metadata: ["severity": "\(notice.severity)", "text": "\(notice.message)"])
        }
    }
}

/// Whether tables that lack what was read before are accepted as they are.
package struct TableGaps: Sendable {
    let areAccepted: Bool

    /// Says whether they are.
    package init(areAccepted: Bool) { self.areAccepted = areAccepted }
}

/// Keeps texts out of everything that is logged.
package struct SecretKeeper: Sendable {
    let conceal: @Sendable ([String]) -> Void

    /// Keeps them through `conceal`.
    package init(_ conceal: @escaping @Sendable ([String]) -> Void) { self.conceal = conceal }
}
