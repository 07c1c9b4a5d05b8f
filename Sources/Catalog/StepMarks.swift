import Postgres

/// Tables whose rows were taken away or exchanged beside their commits.
enum StepMarks {
    /// What is run after commits into tables of a topology is run once more, and told that any row may have changed.
    static func tablesChanged(of topology: String, _ connection: inout Connection) throws {
        // A catalogue that no topology has run with since an earlier version has no such table.
        let found = try connection.query("SELECT to_regclass('millrace.steps') IS NOT NULL")
        guard try found.bool(0, 0) == true else { return }
        try connection.query(
            "UPDATE millrace.steps SET commits = commits + 1, unknown_at = commits + 1 WHERE topology = $1",
            [.text(topology)])
    }
}
