import Postgres
import Testing

@Suite struct ValueRoundTripTests {
    @Test(arguments: [Int64.min, -1, 0, 1, 42, .max])
    func integersSurvive(value: Int64) throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1, $1::text, ($1 % 30000)::int2", [.int64(value)])
        #expect(try result.int64(0, 0) == value)
        #expect(try result.text(0, 1) == String(value))
        #expect(try result.int64(0, 2) == value % 30_000)
        let narrow = Int32(truncatingIfNeeded: value)
        let small = try connection.query("SELECT $1, $1::text", [.int32(narrow)])
        #expect(try small.int32(0, 0) == narrow)
        #expect(try small.int64(0, 0) == Int64(narrow))
        #expect(try small.text(0, 1) == String(narrow))
    }

    @Test(arguments: [
        0, -0.0, 1.5, .pi, Double.greatestFiniteMagnitude, -Double.greatestFiniteMagnitude, .leastNonzeroMagnitude,
        .leastNormalMagnitude, .infinity, -.infinity,
    ])
    func doublesSurviveBitForBit(value: Double) throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1, 1.5::real", [.double(value)])
        #expect(try result.double(0, 0)?.bitPattern == value.bitPattern)
        #expect(try result.double(0, 1) == 1.5)
    }

    @Test func notANumberSurvives() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1", [.double(.nan)])
        #expect(try result.double(0, 0)?.isNaN == true)
    }

    @Test(arguments: ["", "a", "naïve 日本語 🎮", "tab\tquote'\"\\"], [1, 100_000])
    func textSurvives(word: String, times: Int) throws {
        let value = String(repeating: word, count: times)
        var connection = try TestCluster.connect()
        let result = try connection.query(
            "SELECT $1, $1::varchar, octet_length($1), $1 IS NULL, '\"j\"'::json, 'n'::name", [.text(value)])
        #expect(try result.text(0, 0) == value)
        #expect(try result.text(0, 1) == value)
        #expect(try result.int32(0, 2) == Int32(value.utf8.count))
        #expect(try result.bool(0, 3) == false)
        #expect(try result.text(0, 4) == "\"j\"")
        #expect(try result.text(0, 5) == "n")
    }

    @Test(arguments: [0, 1, 256, 2_000_000])
    func bytesSurvive(count: Int) throws {
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1, $1 IS NULL, length($1)", [.bytes(value)])
        #expect(try result.bytes(0, 0) == value)
        #expect(try result.bool(0, 1) == false)
        #expect(try result.int64(0, 2) == Int64(value.count))
        let lent = unsafe result.withUnsafeBytes(0, 0) { unsafe [UInt8]($0) }
        #expect(lent == value)
    }

    @Test func booleansAndNullsSurvive() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1, $2, $3::text, $3 IS NULL", [.bool(true), .bool(false), .null])
        #expect(try result.bool(0, 0) == true)
        #expect(try result.bool(0, 1) == false)
        #expect(try result.text(0, 2) == nil)
        #expect(result.isNull(0, 2))
        #expect(try result.bool(0, 3) == true)
        #expect(result.withUnsafeBytesCount(0, 2) == nil)
    }

    @Test func namesCountsAndTagsAreReported() throws {
        var connection = try TestCluster.connect()
        try connection.execute("CREATE TEMP TABLE counted(a int); INSERT INTO counted SELECT generate_series(1, 7)")
        let update = try connection.query("UPDATE counted SET a = a + 1 WHERE a > 2")
        #expect(update.affectedRows == 5)
        #expect(update.commandTag == "UPDATE 5")
        #expect(update.rowCount == 0)
        let select = try connection.query("SELECT a AS first, -a AS second FROM counted ORDER BY a")
        #expect(select.columnNames == ["first", "second"])
        #expect(select.rowCount == 7)
        #expect(try select.int64(6, 1) == -8)
        #expect(try connection.query("BEGIN").affectedRows == nil)
    }

    @Test func enumsAreReadAsText() throws {
        var connection = try TestCluster.connect()
        try connection.execute("CREATE TYPE pg_temp.mood AS ENUM ('fine', 'bad')")
        let result = try connection.query("SELECT 'bad'::pg_temp.mood")
        #expect(try result.text(0, 0) == "bad")
    }

    @Test func readingAnotherTypeIsAnError() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT 1::int4 AS number, 'x'::text AS word, now()::date AS day")
        #expect(failure { () throws(PostgresError) in try result.text(0, 0) }?.kind == .usage)
        #expect(failure { () throws(PostgresError) in try result.double(0, 0) }?.kind == .usage)
        #expect(failure { () throws(PostgresError) in try result.microsecondsSince1970(0, 2) }?.kind == .usage)
        let error = try #require(failure { () throws(PostgresError) in try result.int64(0, 1) })
        #expect(error.description == "postgres: column word has the type with oid 25, expected bigint")
        #expect(error.fate == .other)
    }

    @Test func resultsOutliveTheirConnection() throws {
        let result = try {
            var connection = try TestCluster.connect()
            return try connection.query("SELECT 'still here'")
        }()
        #expect(try result.text(0, 0) == "still here")
    }
}

extension QueryResult {
    fileprivate func withUnsafeBytesCount(_ row: Int, _ column: Int) -> Int? {
        unsafe withUnsafeBytes(row, column) { $0.count }
    }
}
