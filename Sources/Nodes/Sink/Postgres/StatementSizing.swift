/// How many rows go into one statement, so that it stays around `SinkLimits.statementBytes` whatever its rows hold: rows of
/// two dense sketches have more than 4 kB, those of counters 50 bytes. Nor does making its rows take much longer than
/// `SinkLimits.statementTime`, however slow the machine is.
///
/// Learned from statement to statement: at once fewer, but never more than twice as many. How rows are spread over
/// statements leaves no trace in the table.
struct StatementSizing {
    /// Rows of the next statement.
    private(set) var rows = SinkLimits.rowsPerStatementFirst

    /// Takes note of a statement.
    /// - Parameters:
    ///   - bytes: what its keys, stored rows and new rows took.
    ///   - time: how long it took to make them.
    mutating func observe(rows count: Int, bytes: Int, time: Duration) {
        guard count > 0 else { return }
        let fitting = SinkLimits.statementBytes / max(1, bytes / count)
        let timely = Int(min(1e9, Double(count) * (SinkLimits.statementTime / max(time, .nanoseconds(1)))))
        let wanted = min(fitting, timely, 2 * rows, SinkLimits.rowsPerStatement)
        // Time is no reason for the least number of rows, which is for their size.
        rows = max(timely < fitting ? 1 : SinkLimits.rowsPerStatementMin, wanted)
    }
}
