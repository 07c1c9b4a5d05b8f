/// The ticket of a table: commits that write it go one after the other, in the order in which they asked.
///
/// An advisory lock of the transaction on the table's oid, so every spelling of the name, every topology and every
/// instance asks for the same. It is taken in front of the fence, all tables of an epoch in one statement and in one order;
/// with several instances before the epoch is sealed (`takeTurn`), so that epochs grow while they wait.
/// Row locks alone would deadlock: rows that exist are locked in key order, but rows that are new are created after all of
/// those were locked, whatever their place in the order. Nobody asks for row locks of a table without having its ticket.
package enum CommitTicket {
    /// "mill": the first half of the lock's number; the second is the oid.
    package static let space: Int32 = 0x6d69_6c6c

    /// Waits for the tickets of the tables whose quoted names are in the array `$1`. The functions are called in the order
    /// of the inner query, which is not pulled up because it is sorted.
    package static let sql = """
        SELECT pg_catalog.pg_advisory_xact_lock(\(space), t.id)
        FROM (SELECT DISTINCT pg_catalog.to_regclass(n)::oid::int4 AS id FROM pg_catalog.unnest($1::text[]) AS n
            ORDER BY 1) AS t
        """
}
