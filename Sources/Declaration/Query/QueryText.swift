/// A query that is being written: the parts of its WITH clause, and what it cannot say.
public struct QueryText: Sendable {
    /// The table that holds raw messages.
    public static let rawTable = "raw"

    private var parts: [(name: String, body: String)] = []
    /// What SQL cannot say, each in a sentence that names the node: the query has something else there, or null.
    public private(set) var gaps: [String] = []
    /// Whether records may stand in several partitions.
    public var hasPartitions = false

    /// An empty query.
    public init() {}

    /// Adds a part.
    /// - Parameters:
    ///   - name: what it is called, unless another part, or the raw table, has the name already.
    ///   - body: its SELECT.
    ///   - readsTables: whether it reads tables of the database and no other part. Then it stands in front of all others, so
    ///     that none of them hides a table of its name.
    /// - Returns: the name as a FROM clause has it.
    public mutating func define(_ name: String, as body: String, readsTables: Bool = false) -> String {
        var unique = name
        while unique == Self.rawTable || parts.contains(where: { $0.name == unique }) { unique += "_" }
        parts.insert((unique, body), at: readsTables ? 0 : parts.count)
        return SQLWord.name(unique)
    }

    /// Says that the query is not all of what the topology does.
    public mutating func gap(_ sentence: String) {
        if !gaps.contains(sentence) { gaps.append(sentence) }
    }

    /// The whole statement.
    /// - Parameter select: the SELECT behind the WITH clause.
    public func statement(_ select: String) -> String {
        guard !parts.isEmpty else { return select }
        let list = parts.map { part in
            // Each part once: a field that many expressions name would be computed for each of them.
            "\(SQLWord.name(part.name)) AS MATERIALIZED (\n" + Self.indented(part.body) + "\n)"
        }
        return "WITH " + list.joined(separator: ", ") + "\n" + select
    }

    /// A list, one entry a line.
    public static func list(_ entries: [String], indent: Int = 4) -> String {
        entries.joined(separator: ",\n" + String(repeating: " ", count: indent))
    }

    private static func indented(_ body: String) -> String {
        body.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
    }
}
