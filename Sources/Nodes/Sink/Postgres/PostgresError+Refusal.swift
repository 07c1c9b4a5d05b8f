import Postgres

extension PostgresError {
    /// Whether the database may refuse a row for what it holds: values out of range or too long, a constraint or trigger
    /// that somebody added to the table. A trigger can raise any SQLSTATE, also one of its own or `XX000`, so this is all
    /// that is not about the session, the transaction or the server itself; a search finds out whether a row is to blame.
    var isRowRefusal: Bool {
        guard kind == .server, !isConnectionLost, let sqlState else { return false }
        guard fate == .data || fate == .other else { return false }
        // Corrupted pages and indexes are nobody's row to lose.
        return !["XX001", "XX002"].contains(sqlState) && !Self.classesOfTheSystem.contains(String(sqlState.prefix(2)))
    }

    /// SQLSTATE classes 25 and 2D transaction state, 3B savepoints, 53 resources, 55 and 57 state and operators, 58
    /// the system's errors, 72 snapshots and F0 configuration.
    private static let classesOfTheSystem: Set<String> = ["25", "2D", "3B", "53", "55", "57", "58", "72", "F0"]

    /// Whether somebody's function raised the error on purpose, whatever its SQLSTATE: the innermost line of the context
    /// of a PL/pgSQL RAISE ends in this word in every language.
    var isRaised: Bool {
        guard kind == .server, !isConnectionLost else { return false }
        return context?.prefix { $0 != "\n" }.hasSuffix(" RAISE") ?? false
    }

    /// Whether a row is refused for its text alone: no index takes so long a value, or the database's encoding lacks a
    /// character. That is decided by whoever sends events, so it is never a reason to stop, however often it comes.
    var isOfContent: Bool { ["22P05", "22021", "54000"].contains(sqlState) }

    /// The error with the table that it is about, where the server names none.
    func about(_ table: String) -> PostgresError {
        guard self.table == nil, kind == .server, !isConnectionLost else { return self }
        var error = self
        error.table = table
        return error
    }

    /// What the database says about a row, for the dead letters table.
    var rowRefusal: String {
        var error = self
        error.statementIndex = nil
        error.hint = nil
        return String(describing: error)
    }

    /// The same for logs: a message that a user's function made up may quote records.
    var publicRowRefusal: String {
        guard let sqlState, !["22", "23", "44", "54"].contains(sqlState.prefix(2)) else { return rowRefusal }
        return "postgres[\(sqlState)]: raised by a trigger or function of the database"
    }
}
