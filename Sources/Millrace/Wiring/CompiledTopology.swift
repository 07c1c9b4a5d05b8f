import Dataflow
import Expressions
import Nodes
import Summaries

/// A checked topology: everything a pipeline needs but the connections.
struct CompiledTopology {
    /// A source, not opened yet.
    enum SourcePlan {
        case kafka(KafkaPlan)
        case file(FilePlan)
    }

    /// An operator, resolved against its input.
    enum OperatorPlan {
        case parse(ParsePlan)
        case filter(TypedExpression)
        case summarize(SummaryPlan)
    }

    /// A source and the parser behind it.
    struct Source {
        var name: String
        var plan: SourcePlan
        var child: Int?
        var columnTypes: [ColumnType] = []

        /// Whether it has an end: files do, Kafka and standard input need not.
        var endsByItself: Bool {
            switch plan {
            case .kafka: false
            case .file(let plan): !plan.patterns.contains { TopologyFileReader.isStandardInput($0.text) }
            }
        }
    }

    /// An operator in the graph.
    struct Operator {
        var name: String
        var plan: OperatorPlan
        var children: [Int] = []
        var concurrency: Int?
    }

    /// Where a summary goes.
    enum Sink {
        case postgres(TableSink)
        case console(node: Int, rowsMax: Int)
    }

    /// A setting's value, and whether it is the spec's, so that circumstances may change it.
    struct Setting<Value: Sendable>: Sendable {
        var value: Value
        var isDefault: Bool
    }

    var name: String
    var memoryBytes: Int
    /// The least time between commits.
    var commitInterval: Setting<Duration>
    /// nil: one per core.
    var workers: Int?
    /// Payload of a batch.
    var batchBytes: Setting<Int>
    var batchMessages: Int
    var sources: [Source] = []
    var operators: [Operator] = []
    var sinks: [Sink] = []
    /// The database of all `postgres` sinks, nil when there is none.
    var databaseURL: String?

    /// Whether nobody looks before the end: files that end, and no table. Then epochs end when memory asks for it.
    var isReadAtEndOnly: Bool {
        databaseURL == nil && sources.allSatisfy(\.endsByItself)
    }

    /// Whether it reads standard input.
    var readsStandardInput: Bool {
        sources.contains { source in
            guard case .file(let plan) = source.plan else { return false }
            return plan.patterns.contains { TopologyFileReader.isStandardInput($0.text) }
        }
    }
}
