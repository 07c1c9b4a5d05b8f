import Postgres

/// What a database says became of every message, by partition.
struct Ledger: Sendable {
    struct Row: Sendable {
        var topic: String
        var partition: Int32
        var next: Int64
        var read: Int64
        var applied: Int64
        var filtered: Int64
        var dead: Int64
        var refused: Int64
    }

    let rows: [Row]
    /// Rows in the dead letters table, by topic and partition.
    let deadLetters: [String: Int64]

    init(of database: TestDatabase) throws {
        let found = try database.query(
            """
            SELECT topic, partition, next_offset, read, applied, filtered, dead, refused
            FROM millrace.partitions ORDER BY topic, partition
            """)
        rows = try (0..<found.rowCount).map { row in
            func number(_ column: Int) throws -> Int64 { try found.int64(row, column) ?? 0 }
            return try Row(
                topic: found.text(row, 0) ?? "", partition: found.int32(row, 1) ?? -1, next: number(2),
                read: number(3), applied: number(4), filtered: number(5), dead: number(6), refused: number(7))
        }
        let letters = try database.query(
            "SELECT topic || '/' || partition, count(*) FROM millrace.dead_letters GROUP BY 1")
        var counts: [String: Int64] = [:]
        for row in 0..<letters.rowCount { counts[try letters.text(row, 0) ?? ""] = try letters.int64(row, 1) }
        deadLetters = counts
    }

    /// Records that could not be used.
    var dead: Int64 { rows.map(\.dead).reduce(0, +) }

    /// What does not add up, one sentence each: every message counted once, every record accounted for, every dead
    /// letter kept.
    /// - Parameters:
    ///   - messages: how many messages were produced in all; nil where positions are not messages.
    ///   - records: how many records they hold; nil for one each.
    func problems(messages: Int?, records: Int? = nil) -> [String] {
        var problems: [String] = []
        let next = rows.map(\.next).reduce(0, +)
        let read = rows.map(\.read).reduce(0, +)
        if let messages, next != messages { problems.append("positions add up to \(next), expected \(messages)") }
        if let records = records ?? messages, read != records {
            problems.append("\(read) records were read, expected \(records)")
        }
        for row in rows {
            let sum = row.applied + row.filtered + row.dead + row.refused
            if row.read != sum { problems.append("\(row.topic)[\(row.partition)]: read \(row.read), sum \(sum)") }
            if messages != nil, records == nil, row.read != row.next {
                problems.append("\(row.topic)[\(row.partition)]: read \(row.read), but it is at \(row.next)")
            }
            let letters = deadLetters["\(row.topic)/\(row.partition)"] ?? 0
            let kept = row.dead + row.refused
            if letters != kept {
                problems.append("\(row.topic)[\(row.partition)]: \(letters) dead letters kept, expected \(kept)")
            }
        }
        return problems
    }
}
