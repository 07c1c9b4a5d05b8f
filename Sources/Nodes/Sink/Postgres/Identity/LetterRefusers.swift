import Postgres
import Summaries

/// Keeps true what dead letters say of who refused their records, where nodes get other names or names go to other nodes.
///
/// A letter names nodes, and the tables that are not behind these have its record. What a table means depends on no node's
/// name, so a file with other names goes on with the same tables: without this, a letter of a node whose name another one
/// has now would be replayed into a table that has the record.
struct LetterRefusers {
    /// A table that was kept at the last start, or is now.
    struct Table {
        /// The nodes in front of it at the last start; nil when it was not kept, or nobody said.
        var before: Set<String>?
        /// Those in front of it now, nil when it is not kept any longer.
        var now: Set<String>?
        /// The node that summarizes for it now.
        var summary = ""
    }

    private let topology: String
    private let tables: [Table]

    init(of topology: String, _ tables: [Table]) {
        self.topology = topology
        self.tables = tables
    }

    /// - Parameters:
    ///   - records: what was remembered before the tables were admitted.
    ///   - admissions: the tables that are kept now.
    init(of topology: String, _ records: [TableRecord], _ admissions: [TableAdmission]) {
        var tables = admissions.map { Table(now: $0.sink.nodesInFront, summary: $0.sink.plan.node) }
        for record in records where record.topology == topology && record.nodes != nil {
            let place = admissions.firstIndex { admission in
                (admission.place.schema, admission.place.name) == (record.schema, record.name)
                    || (admission.place.oid == record.oid && record.oid != nil)
            }
            if let place { tables[place].before = record.nodes } else { tables.append(Table(before: record.nodes)) }
        }
        self.init(of: topology, tables)
    }

    /// What a letter has to say now that these nodes have refused its record: the summaries of the tables that lack it.
    /// - Returns: nil when what it says is true as it is.
    func renewed(_ refusers: [String]) -> [String]? {
        let named = Set(refusers)
        let lacking = tables.indices.filter { !(tables[$0].before ?? []).isDisjoint(with: named) }
        // Of names that no table knew nothing can be said, and nothing is behind them.
        guard !lacking.isEmpty else { return nil }
        let kept = lacking.filter { tables[$0].now != nil }
        let meant = tables.indices.filter { index in
            tables[index].before != nil && !(tables[index].now ?? []).isDisjoint(with: named)
        }
        let names = tables.reduce(into: Set<String>()) { $0.formUnion($1.now ?? []) }
        if meant == kept, names.isSuperset(of: named) { return nil }
        let summaries = Set(kept.map { tables[$0].summary })
        // A summary that feeds a table with the record besides cannot be told to leave that one alone.
        let fed = tables.indices.filter { tables[$0].before != nil && summaries.contains(tables[$0].summary) }
        // No node is called so: what lacks the record is not kept any longer, or cannot be told apart.
        return kept.isEmpty || fed != kept ? refusers.map { $0 + " (before)" } : summaries.sorted()
    }

    /// Whether any name may mean something else than at the last start.
    private var haveChanged: Bool { tables.contains { $0.before != nil && $0.before != $0.now } }

    /// Looks whether the names of a replay are those by which letters are written.
    /// - Throws: `SinkError` when they are others.
    func check() throws {
        guard haveChanged else { return }
        throw SinkError(
            code: .definitionMismatch,
            description:
                "topology \(topology): dead letters are replayed by the file that runs, and in this one nodes in "
                + "front of its tables have other names; run or deploy it first")
    }

    /// Rewrites the topology's letters as far as it has to be. Replays that are under way end with their next commit.
    func renew(_ connection: inout Connection) throws {
        guard haveChanged else { return }
        let found = try connection.query(
            "SELECT DISTINCT refused_by FROM millrace.dead_letters WHERE topology = $1 AND refused_by IS NOT NULL",
            [.text(topology)])
        var changes: [(was: String, now: String)] = []
        for row in 0..<found.rowCount {
            guard let was = try found.text(row, 0),
                let now = renewed(was.split(separator: "\n").map(String.init))
            else { continue }
            changes.append((was, now.joined(separator: "\n")))
        }
        guard !changes.isEmpty else { return }
        // All at once: two names may have changed places.
        let pairs = changes.indices.map { "($\(2 * $0 + 2)::text, $\(2 * $0 + 3)::text)" }.joined(separator: ", ")
        try connection.query(
            """
            UPDATE millrace.dead_letters AS d SET refused_by = k.now FROM (VALUES \(pairs)) AS k(was, now)
            WHERE d.topology = $1 AND d.refused_by = k.was
            """, [.text(topology)] + changes.flatMap { [.text($0.was), .text($0.now)] })
        try connection.query(
            "UPDATE \(ReplayBook.table) SET commits = -1 WHERE topology = $1 AND ended_at IS NULL", [.text(topology)])
    }
}
