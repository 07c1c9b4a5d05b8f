/// A sink whose tables can be drawn.
public protocol Chartable: SinkPlan {
    /// Its tables with what can be drawn of each.
    var charts: [TableCharts] { get }
}

/// What can be drawn of a table.
public struct TableCharts: Sendable {
    /// The table in SQL.
    public var table: String
    /// The table as the topology names it.
    public var title: String
    /// Whether its rows have windows.
    public var hasWindow: Bool
    /// Which rows count every record once: a condition, nil for all of them.
    public var total: String?
    /// The first key by which rows can be told apart, and which of them then count every record once.
    public var key: (column: String, title: String, rows: String?)?
    /// The metrics.
    public var charts: [MetricChart]

    /// Describes a table.
    public init(
        table: String, title: String, hasWindow: Bool, total: String?,
        key: (column: String, title: String, rows: String?)?, charts: [MetricChart]
    ) {
        self.table = table
        self.title = title
        self.hasWindow = hasWindow
        self.total = total
        self.key = key
        self.charts = charts
    }
}

/// A metric as aggregates over rows of a table.
public struct MetricChart: Sendable {
    /// A line of the chart.
    public struct Line: Sendable {
        /// What it is called.
        public var name: String
        /// The aggregate in SQL.
        public var value: String

        /// Describes a line.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What the values are.
    public enum Unit: Sendable {
        /// Numbers.
        case number
        /// From 0 to 1.
        case share
        /// Moments.
        case moment
    }

    /// The metric's name.
    public var name: String
    /// Its lines, from the lowest to the highest where they are a band.
    public var lines: [Line]
    /// What the values are.
    public var unit: Unit
    /// Whether the lines lie above one another, as percentiles do.
    public var isBand: Bool
    /// Between which values the first line is, where it is an estimate: aggregates in SQL.
    public var bounds: (low: String, high: String)?

    /// A sketch of all values, of which `millrace.distribution` makes bars: an aggregate in SQL.
    public var sketch: String?

    /// Describes a chart.
    public init(
        name: String, lines: [Line], unit: Unit = .number, isBand: Bool = false,
        bounds: (low: String, high: String)? = nil, sketch: String? = nil
    ) {
        self.name = name
        self.lines = lines
        self.unit = unit
        self.isBand = isBand
        self.bounds = bounds
        self.sketch = sketch
    }
}
