import Postgres

extension TransactionStart {
    /// What all transactions of the sink have in common. A client that stands still inside of one (a paused machine, a
    /// cut network) loses it, and with it the locks that another instance waits for.
    private static let bounds = [
        ("lock_timeout", String(SinkLimits.lockTimeoutMilliseconds)),
        ("idle_in_transaction_session_timeout", String(SinkLimits.standingStillMilliseconds)),
    ]

    /// Schema and tables are made or checked. Texts that the server makes of values and names do not depend on the
    /// role's preferences.
    static let setup = TransactionStart(
        searchPath: .builtins,
        settings: bounds + [
            ("quote_all_identifiers", "off"), ("DateStyle", "ISO, YMD"), ("IntervalStyle", "postgres"),
            ("extra_float_digits", "1"), ("bytea_output", "hex"),
        ])

    /// Positions are claimed, read or begun.
    static let positions = TransactionStart(searchPath: .builtins, settings: bounds)

    /// An epoch is written. Triggers of users run in it, so the role's own search path stands behind the builtins.
    /// Nested loops over the primary key are right for the joins of this transaction, whatever the statistics say.
    static let commit = TransactionStart(
        searchPath: .builtinsThenUser,
        settings: bounds + [("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("enable_seqscan", "off")])
}

extension Connection {
    /// Commits, and looks at the answer: that of a failed transaction is a ROLLBACK without an error.
    mutating func commit() throws(PostgresError) {
        let answer = try query("COMMIT").commandTag
        guard answer == "COMMIT" else {
            throw PostgresError(.protocolViolation, "COMMIT was answered by \(answer), so nothing was committed")
        }
    }
}
