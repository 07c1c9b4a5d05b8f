/// How many rows go into one statement, so that it stays around `SinkLimits.statementBytes` whatever its rows hold: rows of
/// two dense sketches have more than 4 kB, those of counters 50 bytes.
///
/// Learned from statement to statement: at once fewer, but never more than twice as many. How rows are spread over
/// statements leaves no trace in the table.
struct StatementSizing {
    /// Rows of the next statement.
    private(set) var rows = SinkLimits.rowsPerStatementFirst

    /// Takes note of a statement.
    /// - Parameter bytes: what its keys, stored rows and new rows took.
    mutating func observe(rows count: Int, bytes: Int) {
        guard count > 0 else { return }
        let fitting = SinkLimits.statementBytes / max(1, bytes / count)
        rows = max(SinkLimits.rowsPerStatementMin, min(fitting, 2 * rows, SinkLimits.rowsPerStatement))
    }
}
