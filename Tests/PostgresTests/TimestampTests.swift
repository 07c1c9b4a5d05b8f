import Platform
import Postgres
import Testing

@Suite struct TimestampTests {
    @Test func theServerAgreesFromYear1To9999() throws {
        let seed: UInt64 = 77
        var generator = SeededRandom(seed: seed)
        // 0001-01-01 and 9999-12-31T23:59:59.999999Z.
        let bounds: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
        var values = [bounds.lowerBound, bounds.upperBound, -1, 0, 1, 946_684_799_999_999, 946_684_800_000_000]
        values += (0..<20_000).map { _ in Int64.random(in: bounds, using: &generator) }
        var array = ArrayBuilder(.timestamptz)
        for value in values { array.append(microsecondsSince1970: value) }
        var connection = try TestCluster.connect()
        // In parts, since what PostgreSQL 13 extracts is a double.
        let result = try connection.query(
            """
            SELECT t, extract(epoch FROM date_trunc('second', t))::bigint * 1000000
                + extract(microseconds FROM t)::bigint % 1000000, t AT TIME ZONE 'UTC'
            FROM unnest($1) WITH ORDINALITY AS u(t, i) ORDER BY i
            """, [.array(array)])
        for (row, value) in values.enumerated() {
            let read = try result.microsecondsSince1970(row, 0)
            let theirs = try result.int64(row, 1)
            let plain = try result.microsecondsSince1970(row, 2)
            if read != value || theirs != value || plain != value {
                Issue.record("\(value): \(String(describing: read)), \(String(describing: theirs)), seed \(seed)")
                return
            }
        }
    }

    @Test func knownInstantsReadAsTheyShould() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query(
            "SELECT $1::text, '0001-01-01 00:00:00+00'::timestamptz, '2026-11-23 12:34:56.789012+02'::timestamptz",
            [.timestamp(microsecondsSince1970: 253_402_300_799_999_999)])
        #expect(try result.text(0, 0) == "9999-12-31 23:59:59.999999+00")
        #expect(try result.microsecondsSince1970(0, 1) == -62_135_596_800_000_000)
        #expect(try result.microsecondsSince1970(0, 2) == 1_795_430_096_789_012)
    }

    @Test(arguments: [Int64.min, .min + 1, .min + 946_684_800_000_000, .max, 9_300_000_000_000_000_00])
    func instantsOutOfRangeAreRefusedAsData(value: Int64) throws {
        var connection = try TestCluster.connect()
        let error = failure { () throws(PostgresError) in
            try connection.query("SELECT $1", [.timestamp(microsecondsSince1970: value)])
        }
        // The upper values lie in PostgreSQL's range only up to the year 294276.
        if value > 0, error == nil { return }
        #expect(error?.sqlState == "22008")
        #expect(error?.fate == .data)
    }

    @Test(arguments: ["infinity", "-infinity"])
    func infinityIsNotAnInstant(word: String) throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT '\(word)'::timestamptz")
        #expect(failure { () throws(PostgresError) in try result.microsecondsSince1970(0, 0) }?.kind == .usage)
    }
}
