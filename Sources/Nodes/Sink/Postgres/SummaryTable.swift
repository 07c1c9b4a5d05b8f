import Dataflow
import Postgres
import Summaries

/// The table behind a `postgres` sink: its columns, how it is made, and how an existing one is checked.
struct SummaryTable {
    /// Where it stands.
    let place: TablePlace
    /// The name that the topology file gives it.
    let name: String
    let keys: [TableColumn]
    let plain: [TableColumn]
    let states: [TableColumn]
    /// What the database computes; nobody writes it.
    let generated: [GeneratedTableColumn]
    let hasWindow: Bool
    /// Whether it holds the rows of several windows.
    let hasWindowSize: Bool
    let hasGroupingSets: Bool
    /// The metrics with their columns.
    let metrics: [TableMetric]

    static let groupKey = TableColumn(name: "group_key", kind: .bytea, isNullable: false)
    static let windowSize = TableColumn(name: "window_size", kind: .text, isNullable: false)
    static let windowStart = TableColumn(name: "window_start", kind: .timestamptz, isNullable: false)
    static let groupingSet = TableColumn(name: "grouping_set", kind: .text, isNullable: false)

    init(place: TablePlace, name: String, plan: SummaryPlan) {
        self.place = place
        self.name = name
        hasWindow = !plan.windows.isEmpty
        hasWindowSize = plan.windows.count > 1
        hasGroupingSets = plan.groupingSets != nil
        keys = plan.keys.map { TableColumn(name: $0.name, kind: Self.kind(of: $0.type)) }
        // Window, grouping set and keys come first, then what people read of all metrics, then the rest.
        var shown = (hasWindow ? 1 : 0) + (hasWindowSize ? 1 : 0) + (hasGroupingSets ? 1 : 0) + keys.count
        var hidden = shown + plan.metrics.reduce(0) { $0 + $1.columns.count(where: \.isShown) }
        metrics = plan.metrics.map { TableMetric($0, shown: &shown, hidden: &hidden) }
        plain = metrics.flatMap(\.plain)
        states = metrics.flatMap(\.states)
        generated = plan.generated.map { GeneratedTableColumn($0) }
    }

    /// All columns that are written, in table order: what people read comes first.
    var columns: [TableColumn] { shown + states + [Self.groupKey] }

    /// The names of the columns that people read, those that the database computes among them.
    var shownNames: [String] { shown.map(\.name) + generated.map(\.name) }

    /// Those of them that people read.
    private var shown: [TableColumn] {
        primaryHead + (hasGroupingSets ? [Self.groupingSet] : []) + keys + plain
    }

    /// The columns in CREATE TABLE: what people read comes first.
    private var definitions: [String] {
        shown.map(\.definition) + generated.map(\.definition) + (states + [Self.groupKey]).map(\.definition)
    }

    private var primaryHead: [TableColumn] {
        (hasWindowSize ? [Self.windowSize] : []) + (hasWindow ? [Self.windowStart] : [])
    }

    /// The primary key's columns.
    var primaryKey: [TableColumn] { primaryHead + [Self.groupKey] }

    /// `CREATE TABLE` for a quoted name with its schema. Half-empty pages keep updates of hot rows on their page (HOT);
    /// sketches stay in the row as long as they can; dead row versions are cleaned early.
    /// - Parameter isPartitioned: whether its rows are to stand in partitions, which then have these settings.
    func createStatement(_ place: String, isPartitioned: Bool) -> String {
        """
        CREATE TABLE \(place) (
            \(definitions.joined(separator: ",\n    ")),
            PRIMARY KEY (\(primaryKey.map(\.quoted).joined(separator: ", ")))
        ) \(isPartitioned ? "PARTITION BY RANGE (\(Self.windowStart.quoted))" : "WITH (\(Self.storageParameters))")
        """
    }

    static let storageParameters = """
        fillfactor = 50, toast_tuple_target = 8160,
            autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
        """

    private static func kind(of type: ColumnType) -> TableColumn.Kind {
        switch type {
        case .text: .text
        case .integer: .bigint
        case .decimal: .numeric
        case .double: .double
        case .boolean: .boolean
        case .timestamp: .timestamptz
        }
    }

    /// What is wrong with an existing table, in one sentence each.
    /// - Parameters:
    ///   - except: columns that may be missing, since somebody is told how to add them.
    ///   - leaving: columns that are there and are not written any more, which somebody is told too.
    func mismatches(_ found: TableColumns, except: Set<String>, leaving: Set<String> = []) -> [String] {
        var problems: [String] = []
        for column in columns {
            guard let existing = found[column.name] else {
                if !except.contains(column.name) {
                    problems.append("column \(column.name) \(column.kind.rawValue) is missing")
                }
                continue
            }
            if existing.type != column.kind.rawValue {
                problems.append("column \(column.name) is \(existing.type), expected \(column.kind.rawValue)")
            } else if let narrowed = existing.narrowed, column.kind == .numeric || column.kind == .timestamptz {
                // These round what does not fit, without a word.
                problems.append("column \(column.name) is \(narrowed), which rounds, expected \(column.kind.rawValue)")
            }
            if let generated = existing.generated {
                problems.append("column \(column.name) is \(generated), so Millrace cannot write it")
            }
        }
        let own = Set(columns.map(\.name)).union(leaving)
        for extra in found.columns where !own.contains(extra.name) && extra.isMandatory {
            problems.append("column \(extra.name) is NOT NULL without a default, so no row can be inserted")
        }
        if found.primaryKey != primaryKey.map(\.name) {
            let expected = primaryKey.map(\.name).joined(separator: ", ")
            let key = found.primaryKey.isEmpty ? "none" : "(" + found.primaryKey.joined(separator: ", ") + ")"
            problems.append("the primary key is \(key), expected (\(expected))")
        } else if !found.isKeyImmediate {
            problems.append("the primary key is DEFERRABLE, expected one that is checked at once")
        }
        return problems
    }
}
