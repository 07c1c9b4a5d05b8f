import Dataflow
import Declaration
import Nodes
import Summaries
import Synchronization

/// What stands in for a sink: a table in memory.
struct TrialSink: SinkPlan {
    let table: TrialTable

    var isStored: Bool { false }

    func build(in context: BuildContext) throws -> RunningSink {
        guard let input = context.input, let summarize = input.operator as? Summarize else {
            preconditionFailure("a sink was compiled onto a node that is no summarize")
        }
        let table = table
        let keys = Set(summarize.plan.keys.map(\.name) + ["window_size", "window_start", "grouping_set"])
        return .observer(
            ConsoleSink(node: input.number, plan: summarize.plan, rowsMax: Int.max, memory: context.memory) {
                table.add($0, keys: keys)
            })
    }
}

/// The rows of a sink, in the order in which they came. An epoch that changes a row gives it again.
final class TrialTable: Sendable {
    /// The sink's name.
    let node: String
    private let rows = Mutex(Rows())

    private struct Rows {
        var columns: [String] = []
        /// By what is written in the columns that tell a row from all others, byte by byte.
        var order: [[UInt8]] = []
        var cells: [[UInt8]: [String: String]] = [:]
    }

    init(node: String) { self.node = node }

    /// Takes in lines of JSON as `SummaryJSON` writes them.
    /// - Parameter keys: the columns that tell a row from all others.
    func add(_ lines: [UInt8], keys: Set<String>) {
        rows.withLock { rows in
            for line in lines.split(separator: UInt8(ascii: "\n")) {
                let cells = FlatObject.cells(of: Array(line))
                for (index, cell) in cells.enumerated() where !rows.columns.contains(cell.name) {
                    // Rows of different grouping sets have different keys: each is put behind the one that it follows.
                    let before = index == 0 ? nil : rows.columns.firstIndex(of: cells[index - 1].name)
                    rows.columns.insert(cell.name, at: before.map { $0 + 1 } ?? 0)
                }
                let key = Array(
                    cells.filter { keys.contains($0.name) }.map { Array($0.name.utf8) + [0] + $0.written }
                        .joined(separator: [0]))
                if rows.cells[key] == nil { rows.order.append(key) }
                rows.cells[key] = Dictionary(cells.map { ($0.name, $0.shown) }) { _, last in last }
            }
        }
    }

    /// The head and the first rows, and how many rows there are.
    func shown(_ rowsMax: Int) -> (table: TextTable?, count: Int) {
        rows.withLock { rows in
            guard !rows.order.isEmpty else { return (nil, 0) }
            let body = rows.order.prefix(rowsMax).map { key in
                rows.columns.map { TrialReport.printable(rows.cells[key]?[$0] ?? "") }
            }
            return (TextTable([rows.columns] + body), rows.order.count)
        }
    }
}
