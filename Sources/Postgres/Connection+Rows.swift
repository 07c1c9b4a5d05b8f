import CLibPQ

/// Rows read as they arrive, for answers of any size.
extension Connection {
    /// What a reader of rows wants after each.
    public enum RowAction: Sendable {
        /// The next row.
        case next
        /// No more rows.
        case stop
    }

    /// Runs one statement and hands over its rows one by one, as they arrive; see
    /// ``readRows(of:_:deadline:columns:_:)``.
    ///
    ///     try connection.forEachRow(of: "SELECT id, advertiser FROM campaigns") { row in
    ///         names[try row.int64("id")!] = try row.text("advertiser")
    ///     }
    /// - Returns: the number of rows.
    @discardableResult
    public mutating func forEachRow(
        of sql: String, _ parameters: [Parameter] = [], deadline: ContinuousClock.Instant? = nil,
        _ body: (borrowing Row) throws -> Void
    ) throws -> Int {
        try readRows(of: sql, parameters, deadline: deadline) { row in
            try body(row)
            return .next
        }
    }

    /// Runs one statement and hands over its rows one by one, as they arrive.
    ///
    /// Memory does not grow with the answer: beside the row at hand there are libpq's receive buffer, as large as one row
    /// and at least 16 KiB, and what the network holds. So a slow reader slows down the server, which keeps its snapshot
    /// meanwhile. With libpq 17 or later, rows come 32 at a time.
    ///
    /// A call that throws may have handed over rows before: whoever collected them has part of the answer. When `body`
    /// stops or throws, the server is asked to cancel, unless the rest of the answer is here already. The connection then
    /// stays usable if the server confirms within two seconds, and is closed otherwise. In a transaction that was opened
    /// before, the cancellation makes it fail, and ROLLBACK is next.
    ///
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, …
    ///   - parameters: their values.
    ///   - deadline: when to cancel it; the time that `body` takes counts.
    ///   - columns: is given names and types before the first row; also when there is no row, but not when the statement
    ///     returns none, such as `INSERT`. What it throws ends the call, like an error of `body`.
    ///   - body: is given each row, on this thread. The connection cannot be used in it.
    /// - Returns: how many rows were handed over.
    /// - Throws: ``PostgresError``, after which the connection stays usable unless
    ///   ``PostgresError/isConnectionLost`` is true; and what `columns` and `body` throw.
    @discardableResult
    public mutating func readRows(
        of sql: String, _ parameters: [Parameter] = [], deadline: ContinuousClock.Instant? = nil,
        columns: (RowColumns) throws -> Void = { _ in },
        _ body: (borrowing Row) throws -> RowAction
    ) throws -> Int {
        try checkReady(sql)
        guard try handle.send(sql, parameters) else { throw refusedToSend(afterOthers: false) }
        guard handle.streamRows() else { throw refusedToSend(afterOthers: true) }
        var reading = RowReading(deadline)
        do {
            try pump(&reading.patience, untilAnswered: false)
            while !reading.answers.isComplete {
                try awaitRows(&reading)
                guard try takeRows(&reading, columns, body) == .stop else { continue }
                dropRest(&reading)
                return reading.count
            }
        } catch {
            // The reader's error, or one of the connection, which is closed then and has no rest.
            if !isBroken { dropRest(&reading) }
            throw error
        }
        if let error = settle(reading.answers, isPipelined: false, reading.patience) { throw error }
        return reading.count
    }

    /// One statement whose rows are being read.
    private struct RowReading: ~Copyable {
        var answers = Answers(isPipelined: false)
        var patience: Patience
        var row = Row()
        var hasColumns = false
        /// Rows handed over.
        var count = 0

        init(_ deadline: ContinuousClock.Instant?) { patience = Patience(deadline) }
    }

    /// Blocks until libpq has a result.
    private mutating func awaitRows(_ reading: inout RowReading) throws(PostgresError) {
        guard handle.isBusy else { return }
        // The reader's time is no silence of the server.
        reading.patience.lastSign = .now
        // A server that sends without a pause is never waited for, so the wait would not notice.
        if let end = reading.patience.end, end <= reading.patience.lastSign { try loseTime(&reading.patience) }
        try pump(&reading.patience, untilAnswered: true)
    }

    /// Hands over what has arrived.
    private mutating func takeRows(
        _ reading: inout RowReading, _ columns: (RowColumns) throws -> Void,
        _ body: (borrowing Row) throws -> RowAction
    ) throws -> RowAction {
        switch handle.nextRows(into: &reading.row.buffer) {
        case .end:
            reading.answers.takeEndOfStatement(isConnectionUsable: handle.isUsable)
        case .other(let result):
            if !reading.hasColumns, result.status == PGRES_TUPLES_OK {
                reading.hasColumns = true
                try columns(result.columns)
            }
            reading.answers.take(result)
        case .rows:
            // Past the deadline: the call will throw, so nobody wants them.
            if reading.patience.isCancelling { return .next }
            if !reading.hasColumns {
                reading.hasColumns = true
                reading.row.columns = reading.row.buffer.columns()
                try columns(reading.row.columns)
            }
            for index in 0..<reading.row.buffer.count {
                reading.row.buffer.move(to: index)
                reading.count += 1
                if try body(reading.row) == .stop { return .stop }
            }
        }
        return .next
    }

    /// Receives the rest of an answer that nobody wants, and has the server cancel what it has not sent. The connection
    /// is closed if that takes too long.
    private mutating func dropRest(_ reading: inout RowReading) {
        if handle.isBusy, handle.hasInput { _ = handle.consumeInput() }
        do throws(PostgresError) {
            while !reading.answers.isComplete {
                if handle.isBusy, !reading.patience.isCancelling {
                    reading.patience.isCancelling = true
                    reading.patience.cancelDone = canceller.cancelInBackground()
                    reading.patience.end = .now + Limits.cancelGrace
                }
                try awaitRows(&reading)
                switch handle.nextRows(into: &reading.row.buffer) {
                case .rows: break
                case .end: reading.answers.takeEndOfStatement(isConnectionUsable: handle.isUsable)
                case .other(let result): reading.answers.take(result)
                }
            }
            // That it was cancelled is what was asked for.
            _ = settle(reading.answers, isPipelined: false, reading.patience)
        } catch {
            // Closed, as the next call will say.
        }
    }
}
