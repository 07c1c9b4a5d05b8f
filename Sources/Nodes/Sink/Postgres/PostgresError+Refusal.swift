import Postgres

extension PostgresError {
    /// Whether the database refuses a row for what it holds: values out of range or too long, a constraint or trigger
    /// that somebody added to the table.
    ///
    /// SQLSTATE classes: 22 data exception, 23 integrity constraint, 27, 09, 38 and 39 triggers and their functions, 44
    /// view with check option, 54 program limit, P0 errors raised in PL/pgSQL.
    var isRowRefusal: Bool {
        guard kind == .server, !isConnectionLost, let sqlState else { return false }
        return ["22", "23", "27", "09", "38", "39", "44", "54", "P0"].contains(sqlState.prefix(2))
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
        guard let sqlState, ["38", "39", "P0"].contains(sqlState.prefix(2)) else { return rowRefusal }
        return "postgres[\(sqlState)]: raised by a trigger or function of the database"
    }
}
