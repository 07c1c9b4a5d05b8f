/// Why a sink cannot go on; a person has to act.
package struct SinkError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    package enum Code: String, Sendable {
        /// The table exists and has another shape.
        case tableMismatch = "table-mismatch"
        /// The table was made for another summary.
        case definitionMismatch = "definition-mismatch"
        /// Instances of another definition of the topology are running.
        case definitionInUse = "definition-in-use"
        /// Another definition of the topology took over, or this one may not run now.
        case replaced
        /// The table lacks what the topology has read, or holds what it has not.
        case historyMismatch = "history-mismatch"
        /// Another topology keeps the table, or another sink writes it.
        case tableTaken = "table-taken"
        /// The table holds a value that Millrace did not write.
        case foreignValue = "foreign-value"
        /// The database refuses: rights, password, missing database, bad settings.
        case refused
    }

    /// What happened.
    package var code: Code
    /// `where: what is wrong, found, expected; hint`.
    package var description: String

    static func foreignValue(_ what: String) -> SinkError {
        SinkError(code: .foreignValue, description: "postgres: \(what), so it was changed by someone else; restore it")
    }
}
