package import Declaration
package import Summaries

/// A `postgres` sink as the wiring hands it over: the summary that feeds it, and everything that says whose table it is.
package struct TableSink: Sendable {
    /// The sink node's name.
    package var name: String
    /// Index of the summarizing node in front of it.
    package var node: Int
    /// What of that node's summary is in the table.
    package var plan: SummaryPlan
    /// The position of the table's window among those of the node; nil when it has all of them.
    package var window: Int?
    /// The table as the topology file names it.
    package var table: String
    /// Whether other topologies may write the table too.
    package var isShared: Bool
    /// How long rows are kept after their window has ended, in microseconds; nil for good.
    package var keep: Int64?
    /// What happens to events before they are summarized, as lines of a definition.
    package var events: [DefinitionLine]
    /// Whose positions say what the table holds.
    package var feed: TableFeed
    /// The names of the nodes that may keep a record from the table.
    package var nodesInFront: Set<String>
    /// What is run after commits, nil for nothing.
    package var step: TableStep?

    /// Creates a sink.
    package init(
        name: String, node: Int, plan: SummaryPlan, window: Int? = nil, table: String, isShared: Bool,
        keep: Int64? = nil, events: [DefinitionLine], feed: TableFeed, nodesInFront: Set<String> = [],
        step: TableStep? = nil
    ) {
        self.name = name
        self.node = node
        self.plan = plan
        self.window = window
        self.table = table
        self.isShared = isShared
        self.keep = keep
        self.events = events
        self.feed = feed
        self.nodesInFront = nodesInFront
        self.step = step
    }

    /// What the table's rows mean, node names and spelling left out.
    var definition: TableDefinition { TableDefinition(rows: plan.definitionLines, events: events) }
}

/// Where the events of a table come from, as far as the rows of `millrace.partitions` can tell.
package struct TableFeed: Sendable, Equatable {
    /// Everything that is not a topic of `elsewhere`: files.
    static let rest = "*"

    /// Topics by name, and `*` for what has no name before it is there.
    package var topics: Set<String>
    /// Topics that other sources of the topology read.
    package var elsewhere: Set<String>

    /// Creates a feed.
    /// - Parameter topics: a Kafka source's topics, nil for files.
    package init(topics: Set<String>?, elsewhere: Set<String>) {
        self.topics = topics ?? [Self.rest]
        self.elsewhere = elsewhere.subtracting(topics ?? [])
    }

    /// As `millrace.tables` remembers it.
    var text: String { topics.sorted().joined(separator: "\n") }

    /// The topics of a remembered feed.
    static func topics(in text: String) -> Set<String> { Set(text.split(separator: "\n").map(String.init)) }
}

/// What a topology has read so far, by topic or path.
struct TopologyLedger {
    /// One topic or path.
    struct Entry {
        var topic: String
        var read: Int64
        var applied: Int64
    }

    var entries: [Entry] = []

    /// The entries of some of a feed's topics, `*` among them.
    func entries(of topics: Set<String>, elsewhere: Set<String>) -> [Entry] {
        entries.filter {
            topics.contains($0.topic) || (topics.contains(TableFeed.rest) && !elsewhere.contains($0.topic))
        }
    }
}

extension [TopologyLedger.Entry] {
    /// Records read.
    var read: Int64 { reduce(0) { $0 + $1.read } }

    /// `1234 records (game.events: 1200 read, 1190 applied; …)`
    var summary: String {
        let shown = filter { $0.read > 0 }.sorted { $0.read > $1.read }
        let named = shown.prefix(5).map { "\($0.topic): \($0.read) read, \($0.applied) applied" }
        let more = shown.count > named.count ? ["and \(shown.count - named.count) more"] : []
        return "\(read) event\(read == 1 ? "" : "s") (" + (named + more).joined(separator: "; ") + ")"
    }
}
