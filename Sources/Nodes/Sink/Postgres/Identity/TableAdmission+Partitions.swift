import Postgres

/// Whether a table whose old rows are to be dropped stands in partitions.
extension TableAdmission {
    /// What is wrong with the partitions of a table that is there already.
    mutating func checkPartitions(isEmpty: Bool, _ connection: inout Connection) throws {
        guard sink.keep != nil, try !TablePartitions.isOurs(place, &connection) else { return }
        let isPartitioned = try place.isPartitioned(&connection)
        problems.append(
            TableProblem(
                text: isPartitioned
                    ? "somebody else has made its partitions, and `keep` drops only those that Millrace has made"
                    : "it was made without `keep`, and old rows can be dropped only where they stand in partitions",
                choices: [
                    "take `keep` out of the file, and drop old rows yourself",
                    isEmpty
                        ? "remove it, since it is empty: DROP TABLE \(place.quoted);"
                        : "or make it anew beside this one, from what the sources still have: millrace rebuild FILE",
                ]))
    }
}
