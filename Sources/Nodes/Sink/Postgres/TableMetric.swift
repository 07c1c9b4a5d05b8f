import Summaries

/// A metric's columns in a table.
struct TableMetric {
    /// The metric's name.
    let name: String
    /// Its columns, in the metric's own order.
    let columns: [ResultColumn]
    /// What each of them holds, for people.
    let comments: [String]
    /// Whether it counts all records of a row.
    let countsRecords: Bool
    /// Where each of them stands in the table.
    let places: [Int]

    /// - Parameters:
    ///   - shown: where the next column stands that people read.
    ///   - hidden: where the next other one does.
    init(_ plan: MetricPlan, shown: inout Int, hidden: inout Int) {
        name = plan.name
        columns = plan.columns
        countsRecords = plan.metric.countsRecords && plan.condition == nil
        let condition = plan.canonicalCondition.map { "; only records where \($0)" } ?? ""
        comments = plan.metric.comments.map { $0 + condition }
        var places: [Int] = []
        for column in columns {
            places.append(column.isShown ? shown : hidden)
            if column.isShown { shown += 1 } else { hidden += 1 }
        }
        self.places = places
    }

    /// The columns that people read.
    var plain: [TableColumn] { columns.filter(\.isShown).map { TableColumn($0) } }

    /// The columns behind them that make rows mergeable.
    var states: [TableColumn] { columns.filter { !$0.isShown }.map { TableColumn($0) } }
}
