/// A source that can say which raw messages are its own.
public protocol QueryableSource: SourcePlan {
    /// A condition over the columns of the raw table, nil when all of them may be.
    var rawCondition: String? { get }
    /// Whether its messages may stand in several partitions, or files, none of which is before the other.
    var hasPartitions: Bool { get }
}

/// A node between source and sink that can say in SQL what it makes of messages or records.
///
/// What cannot be said is a gap of the query; the fields of the result are those of the node all the same.
public protocol QueryableStage: StagePlan {
    /// Adds the node to a query.
    /// - Parameters:
    ///   - input: what it reads.
    ///   - node: its name.
    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation
}

/// A sink whose tables can be said in SQL.
public protocol QueryableSink: SinkPlan {
    /// The queries that answer what its tables hold.
    /// - Parameters:
    ///   - input: the records that the node in front of the sink groups.
    ///   - query: how they are made.
    func tables(of input: QueryRelation, in query: QueryText) -> [TableQuery]
}

/// A query over raw messages whose rows are those of a table.
public struct TableQuery: Sendable {
    /// The table as the topology names it.
    public var table: String
    /// The columns that it answers, in order: those of the table that people read.
    public var columns: [TableQueryColumn]
    /// The query.
    public var text: String
    /// What it cannot say, each in a sentence.
    public var gaps: [String]

    /// Creates a query.
    public init(table: String, columns: [TableQueryColumn], text: String, gaps: [String]) {
        self.table = table
        self.columns = columns
        self.text = text
        self.gaps = gaps
    }
}

/// A column of a table's query.
public struct TableQueryColumn: Sendable, Hashable {
    /// How the table's value and the query's compare.
    public enum Agreement: Sendable, Hashable {
        /// It tells rows from one another.
        case key
        /// They are equal.
        case exact
        /// They are doubles that differ by rounding: Postgres adds and divides in fewer digits.
        case rounded
        /// They differ by at most this share of the query's value.
        case within(relative: Double)
        /// The table has an estimate with this standard error, exact up to so many values.
        case estimate(standardError: Double, exactUpTo: Int)
    }

    /// The column's name.
    public var name: String
    /// How its values compare with the table's.
    public var agreement: Agreement

    /// Describes a column.
    public init(_ name: String, _ agreement: Agreement) {
        self.name = name
        self.agreement = agreement
    }
}
