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
    /// The window of its rows, nil when they have none.
    public var window: WindowChart?
    /// Which rows count every record once: a condition, nil for all of them.
    public var total: String?
    /// The first key by which rows can be told apart, and which of them then count every record once.
    public var key: (column: String, title: String, rows: String?)?
    /// The metrics, and what is computed from them.
    public var charts: [MetricChart]
    /// The lists of frequent values.
    public var lists: [ListChart]

    /// Describes a table.
    public init(
        table: String, title: String, window: WindowChart?, total: String?,
        key: (column: String, title: String, rows: String?)?, charts: [MetricChart], lists: [ListChart] = []
    ) {
        self.table = table
        self.title = title
        self.window = window
        self.total = total
        self.key = key
        self.charts = charts
        self.lists = lists
    }
}

/// The windows of a table's rows.
public struct WindowChart: Sendable {
    /// Says in SQL that a row's window holds a moment or begins later.
    public var reaches: @Sendable (_ moment: String) -> String
    /// Which windows count every record once: a condition, nil where no two overlap.
    public var apart: String?
    /// How far back some hundred windows reach: a number, and `s`, `m`, `h`, `d`, `w`, `M` (months) or `y`.
    public var span: String

    /// Describes windows.
    public init(span: String, apart: String? = nil, reaches: @escaping @Sendable (_ moment: String) -> String) {
        self.span = span
        self.apart = apart
        self.reaches = reaches
    }
}

/// The most frequent values of many rows.
public struct ListChart: Sendable {
    /// The metric's name.
    public var name: String
    /// A sketch of all values, which `millrace.top` lists: an aggregate in SQL.
    public var sketch: String
    /// The most values that are shown.
    public var number: Int

    /// Describes a list.
    public init(name: String, sketch: String, number: Int) {
        self.name = name
        self.sketch = sketch
        self.number = number
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
        /// The column that has it for one row.
        public var column: String

        /// Describes a line; without a column it is called like its own.
        public init(_ name: String, _ value: String, column: String? = nil) {
            self.name = name
            self.value = value
            self.column = column ?? name
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
