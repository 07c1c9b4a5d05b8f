import Dataflow
import Postgres

/// Dead letters on their way into `millrace.dead_letters`, inside the caller's transaction.
final class DeadLetterRows: EpochSink {
    let topology: String
    let memory: MemoryAccountant

    init(topology: String, memory: MemoryAccountant) {
        self.topology = topology
        self.memory = memory
    }

    func write(_ epoch: ClosedEpoch, _ connection: inout Connection) throws {
        try write(epoch.deadLetters, epoch.partitionKeys, &connection)
    }

    /// Writes letters, in statements of a bounded size.
    /// - Parameter keys: the partitions that the letters' indices are of.
    func write(
        _ letters: [DeadLetter], _ keys: [PartitionKey], _ connection: inout Connection
    ) throws {
        let encoding = connection.serverParameter("server_encoding")
        var rest = letters[...]
        while !rest.isEmpty {
            let part = Self.part(of: rest)
            rest = rest.dropFirst(part.count)
            let rows = Self.rows(of: part, keys, encoding)
            // What is sent exists twice, here and in libpq's buffer.
            let result = try memory.drawing(2 * rows.memoryBytes, for: .rows) {
                do throws(PostgresError) {
                    return try connection.query(Self.sql, [.text(topology)] + rows.parameters)
                } catch { throw error.about(Self.table) }
            }
            try LostRows.check(result.affectedRows, of: part.count, .insert, Self.table, Self.table)
        }
    }

    /// The first letters, as many as one statement holds; at least one.
    static func part(of letters: ArraySlice<DeadLetter>) -> ArraySlice<DeadLetter> {
        var bytes = 0
        var count = 0
        for letter in letters.prefix(SinkLimits.rowsPerStatement) {
            bytes += letter.byteCount + 128
            if count > 0, bytes > SinkLimits.statementBytes { break }
            count += 1
        }
        return letters.prefix(count)
    }

    static let table = "millrace.dead_letters"

    private static let sql = """
        INSERT INTO millrace.dead_letters
        (topology, topic, partition, "offset", line, cause, node, field, found, reason, key, payload, message_time,
            counted, refused_by, clock_time, element)
        SELECT $1, k.* FROM unnest($2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::timestamptz[], $14::text[], $15::text[],
            $16::bigint[], $17::text[]) AS k
        """

    private static func rows(
        of letters: ArraySlice<DeadLetter>, _ keys: [PartitionKey], _ encoding: String?
    ) -> RowBuilders {
        var rows = RowBuilders([
            .text, .int4, .int8, .int4, .text, .text, .text, .text, .text, .bytea, .bytea, .timestamptz,
            .text, .text, .int8, .text,
        ])
        for letter in letters {
            rows.columns[0].append(keys[letter.partition].topic)
            rows.columns[1].append(keys[letter.partition].partition)
            rows.columns[2].append(letter.offset)
            rows.columns[3].append(letter.line)
            let fault = letter.fault
            for (place, text) in [fault.code, fault.node, fault.field, fault.found, fault.reason].enumerated() {
                rows.columns[4 + place].append(text.map { ReasonText.storable($0, encoding: encoding) })
            }
            if let key = letter.key { rows.columns[9].append(key) } else { rows.columns[9].appendNull() }
            rows.columns[10].append(letter.payload)
            // A message's timestamp is whatever its producer says; Postgres ends in the year 294276.
            if let time = letter.timestamp, SinkLimits.messageTimes.contains(time) {
                rows.columns[11].append(microsecondsSince1970: time * 1_000)
            } else {
                rows.columns[11].appendNull()
            }
            rows.columns[12].append(letter.isDead ? "dead" : "refused")
            rows.columns[13].append(letter.refusers.isEmpty ? nil : letter.refusers.joined(separator: "\n"))
            rows.columns[14].append(letter.clock)
            // Replays compare it: one that cannot be stored as it is stays unsaid.
            rows.columns[15].append(
                letter.element.flatMap { ReasonText.storable($0, encoding: encoding) == $0 ? $0 : nil })
        }
        return rows
    }
}

extension ArrayBuilder {
    /// Appends a text, nil as null.
    mutating func append(_ text: String?) {
        if let text { append(text) } else { appendNull() }
    }
}
