import Postgres

/// Records that could not be used, all of one cause in one node and field.
package struct DeadLetterGroup: Sendable, Codable, Equatable {
    package var topology: String
    /// A short name; nil for letters of an earlier version.
    package var cause: String?
    package var node: String?
    package var field: String?
    package var count: Int64
    /// Microseconds since 1970; nil for letters of an earlier version.
    package var first: Int64?
    package var last: Int64?
    /// The reason of one of them, and its number.
    package var example: String
    package var exampleNumber: Int64
}

/// A record that could not be used.
package struct DeadLetter: Sendable, Codable, Equatable {
    package var id: Int64
    package var topology: String
    package var topic: String
    package var partition: Int
    package var offset: Int64
    package var line: Int
    package var cause: String?
    package var node: String?
    package var field: String?
    package var found: String?
    package var reason: String
    /// The beginning of the record, and of its message's key; what is no UTF-8 has replacement characters.
    package var payload: String
    package var key: String?
    /// Microseconds since 1970.
    package var messageTime: Int64?
    package var writtenAt: Int64?
}

/// Which letters are meant; nil for all.
package struct DeadLetterChoice: Sendable, Equatable {
    package var topology: String
    package var cause: String?
    package var node: String?
    package var field: String?
    package var ids: [Int64]

    package init(
        topology: String, cause: String? = nil, node: String? = nil, field: String? = nil, ids: [Int64] = []
    ) {
        self.topology = topology
        self.cause = cause
        self.node = node
        self.field = field
        self.ids = ids
    }

    fileprivate static let condition = """
        topology = $1 AND ($2::text IS NULL OR cause = $2) AND ($3::text IS NULL OR node = $3)
            AND ($4::text IS NULL OR field = $4) AND (cardinality($5::bigint[]) = 0 OR id = ANY ($5))
        """

    fileprivate var parameters: [Parameter] {
        func text(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
        var numbers = ArrayBuilder(.int8)
        for id in ids { numbers.append(id) }
        return [.text(topology), text(cause), text(node), text(field), .array(numbers)]
    }
}

/// Dead letters.
extension Catalog {
    private mutating func hasLetters() throws -> Bool {
        try !connection.query("SELECT to_regclass('millrace.dead_letters')::oid::bigint").isNull(0, 0)
    }

    /// The letters by cause, the most first.
    /// - Parameter topology: nil for all.
    package mutating func deadLetters(of topology: String?) throws -> [DeadLetterGroup] {
        guard try hasLetters() else { return [] }
        let found = try connection.query(
            """
            SELECT g.topology, g.cause, g.node, g.field, g.letters, g.first, g.last, newest.reason, newest.id
            FROM (SELECT topology, cause, node, field, count(*) AS letters, min(written_at) AS first,
                    max(written_at) AS last, max(id) AS id
                FROM millrace.dead_letters WHERE $1::text IS NULL OR topology = $1
                GROUP BY topology, cause, node, field) g
            JOIN millrace.dead_letters newest ON newest.id = g.id
            ORDER BY g.letters DESC, 1, 2, 3, 4
            """, [topology.map { .text($0) } ?? .null])
        return try (0..<found.rowCount).map { row in
            DeadLetterGroup(
                topology: try found.text(row, 0) ?? "", cause: try found.text(row, 1), node: try found.text(row, 2),
                field: try found.text(row, 3), count: try found.int64(row, 4) ?? 0,
                first: try found.microsecondsSince1970(row, 5), last: try found.microsecondsSince1970(row, 6),
                example: try found.text(row, 7) ?? "", exampleNumber: try found.int64(row, 8) ?? 0)
        }
    }

    /// Makes sure that a topology is deployed, or has letters: `millrace run` makes some without a catalogue.
    /// - Throws: `CatalogError` that names the topologies which are deployed.
    package mutating func checkLetters(of topology: String) throws {
        if try deployments().contains(where: { $0.topology == topology }) { return }
        if try hasLetters(),
            try connection.query(
                "SELECT 1 FROM millrace.dead_letters WHERE topology = $1 LIMIT 1", [.text(topology)]
            ).rowCount > 0
        {
            return
        }
        throw try unknown(topology)
    }

    /// The newest letters of a choice.
    package mutating func deadLetters(_ choice: DeadLetterChoice, count: Int) throws -> [DeadLetter] {
        guard try hasLetters() else { return [] }
        let found = try connection.query(
            """
            SELECT id, topology, topic, partition, "offset", line, cause, node, field, found, reason, payload, key,
                message_time, written_at
            FROM millrace.dead_letters WHERE \(DeadLetterChoice.condition) ORDER BY id DESC LIMIT $6
            """, choice.parameters + [.int64(Int64(count))])
        return try (0..<found.rowCount).map { row in
            DeadLetter(
                id: try found.int64(row, 0) ?? 0, topology: try found.text(row, 1) ?? "",
                topic: try found.text(row, 2) ?? "", partition: Int(try found.int32(row, 3) ?? 0),
                offset: try found.int64(row, 4) ?? 0, line: Int(try found.int32(row, 5) ?? 0),
                cause: try found.text(row, 6), node: try found.text(row, 7), field: try found.text(row, 8),
                found: try found.text(row, 9), reason: try found.text(row, 10) ?? "",
                payload: String(decoding: try found.bytes(row, 11) ?? [], as: UTF8.self),
                key: try found.bytes(row, 12).map { String(decoding: $0, as: UTF8.self) },
                messageTime: try found.microsecondsSince1970(row, 13),
                writtenAt: try found.microsecondsSince1970(row, 14))
        }
    }

    /// How many letters of a choice were written in each of some steps of time.
    /// - Parameters:
    ///   - start: microseconds since 1970, at which the first step begins.
    ///   - step: microseconds of a step.
    package mutating func deadLetterCounts(
        _ choice: DeadLetterChoice, from start: Int64, step: Int64, buckets: Int
    ) throws -> [Int64] {
        guard try hasLetters() else { return [] }
        let found = try connection.query(
            """
            SELECT floor((extract(epoch FROM written_at) * 1000000 - $6) / $7)::bigint, count(*)
            FROM millrace.dead_letters WHERE \(DeadLetterChoice.condition) AND written_at IS NOT NULL GROUP BY 1
            """, choice.parameters + [.int64(start), .int64(step)])
        var counts = Array(repeating: Int64(0), count: buckets)
        for row in 0..<found.rowCount {
            let bucket = Int(try found.int64(row, 0) ?? -1)
            if counts.indices.contains(bucket) { counts[bucket] += try found.int64(row, 1) ?? 0 }
        }
        return counts
    }

    /// Deletes letters. What they counted as, in the ledger, stays.
    /// - Returns: how many.
    package mutating func discard(_ choice: DeadLetterChoice) throws -> Int {
        guard try hasLetters() else { return 0 }
        return try connection.query(
            "DELETE FROM millrace.dead_letters WHERE \(DeadLetterChoice.condition)", choice.parameters
        ).affectedRows ?? 0
    }
}
