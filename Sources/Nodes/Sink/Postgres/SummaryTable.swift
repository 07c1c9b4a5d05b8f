import Dataflow
import Postgres

/// The table behind a `postgres` sink: its columns, how it is made, and how an existing one is checked.
struct SummaryTable {
    let name: String
    let keys: [TableColumn]
    let plain: [TableColumn]
    let states: [TableColumn]
    let hasWindow: Bool
    let hasGroupingSets: Bool
    /// What the rows mean; two topologies may share a table only if they agree on it.
    let definition: String

    static let groupKey = TableColumn(name: "group_key", kind: .bytea, isNullable: false)
    static let windowStart = TableColumn(name: "window_start", kind: .timestamptz, isNullable: false)
    static let groupingSet = TableColumn(name: "grouping_set", kind: .text, isNullable: false)

    init(name: String, plan: SummaryPlan, writers: [any MetricWriter]) {
        self.name = name
        hasWindow = plan.windowMicroseconds != nil
        hasGroupingSets = plan.groupingSets != nil
        keys = plan.keys.map { TableColumn(name: $0.name, kind: Self.kind(of: $0.type)) }
        plain = writers.flatMap(\.plainColumns)
        states = writers.flatMap(\.stateColumns)
        definition = plan.definition
    }

    /// All columns in table order: what people read comes first.
    var columns: [TableColumn] {
        primaryHead + (hasGroupingSets ? [Self.groupingSet] : []) + keys + plain + states + [Self.groupKey]
    }

    private var primaryHead: [TableColumn] { hasWindow ? [Self.windowStart] : [] }

    /// The primary key's columns.
    var primaryKey: [TableColumn] { primaryHead + [Self.groupKey] }

    /// `CREATE TABLE` for a quoted name with its schema. Half-empty pages keep updates of hot rows on their page (HOT); sketches stay in the row as long
    /// as they can; dead row versions are cleaned early.
    func createStatement(_ place: String) -> String {
        """
        CREATE TABLE \(place) (
            \(columns.map(\.definition).joined(separator: ",\n    ")),
            PRIMARY KEY (\(primaryKey.map(\.quoted).joined(separator: ", ")))
        ) WITH (fillfactor = 50, toast_tuple_target = 8160,
            autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)
        """
    }

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
    ///   - found: its columns: name, type, and whether an insert must give a value.
    ///   - primaryKey: the columns of its primary key in order.
    func mismatches(found: [(name: String, type: String, isMandatory: Bool)], primaryKey: [String]) -> [String] {
        var problems: [String] = []
        for column in columns {
            guard let existing = found.first(where: { $0.name == column.name }) else {
                problems.append("column \(column.name) \(column.kind.rawValue) is missing")
                continue
            }
            if existing.type != column.kind.rawValue {
                problems.append("column \(column.name) is \(existing.type), expected \(column.kind.rawValue)")
            }
        }
        let own = Set(columns.map(\.name))
        for extra in found where !own.contains(extra.name) && extra.isMandatory {
            problems.append("column \(extra.name) is NOT NULL without a default, so no row can be inserted")
        }
        if primaryKey != self.primaryKey.map(\.name) {
            let expected = self.primaryKey.map(\.name).joined(separator: ", ")
            let found = primaryKey.isEmpty ? "none" : "(" + primaryKey.joined(separator: ", ") + ")"
            problems.append("the primary key is \(found), expected (\(expected))")
        }
        return problems
    }
}

extension SummaryPlan {
    /// What rows of this summary mean, as one line: window, keys, grouping sets if there are any, and metrics.
    var definition: String {
        let window = windowMicroseconds.map { "window=\($0)us" } ?? "window=none"
        let keys = "by=" + keys.map { "\($0.name):\($0.type)" }.joined(separator: ",")
        let sets = groupingSets.map { ["sets=" + $0.map(\.name).joined(separator: " ")] } ?? []
        return ([window, keys] + sets + metrics.map(\.definition)).joined(separator: "; ")
    }
}

extension MetricPlan {
    /// What the metric computes, as its user would write it.
    var definition: String {
        let input = sourceField.map { "\($0):\(type.map(String.init(describing:)) ?? "")" } ?? ""
        let call =
            switch function {
            case .count: "count()"
            case .sum: "sum(\(input))"
            case .min: "min(\(input))"
            case .max: "max(\(input))"
            case .avg: "avg(\(input))"
            case .uniques(let preset): "uniques(\(input), \(preset.rawValue))"
            // Which quantiles are shown does not change what the sketch holds.
            case .percentiles: "percentiles(\(input))"
            }
        return "\(name)=\(call)" + (conditionText.map { " where \($0)" } ?? "")
    }
}
