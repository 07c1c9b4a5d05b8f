import Postgres

extension PostgresTarget {
    /// Drops what is older than its table keeps.
    /// - Parameter transaction: calls what it is given with a connection.
    func dropOldRows(_ transaction: ((inout Connection) throws -> Void) throws -> Void) {
        for partitions in tables.compactMap(\.partitions) {
            // A database that is away is asked again in a while.
            try? transaction { connection in
                try connection.begin(.setup)
                do {
                    let dropped = try partitions.dropOld(&connection)
                    try connection.commit()
                    if let dropped { onRetention(partitions.place.shown, dropped.count, dropped.end) }
                } catch let error as PostgresError where ["55P03", "40P01"].contains(error.sqlState) {
                    // Somebody reads the table: so is that.
                    try connection.execute("ROLLBACK")
                }
            }
        }
    }
}
