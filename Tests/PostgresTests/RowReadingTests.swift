import Foundation
import LocalServices
import Platform
import Postgres
import Testing

/// `Connection.readRows`: rows as they arrive, and what ends them.
@Suite struct RowReadingTests {
    private static let endless = "SELECT generate_series(1::int8, 100000000000)"

    private struct ReaderError: Error, Equatable {}

    @Test func everyTypeIsReadByPositionAndByName() throws {
        var connection = try TestCluster.connect()
        let sql = """
            SELECT true AS b, 7::int2 AS s, -8::int4 AS i, 9::int8 AS l, 1.5::float8 AS d, 12.340::numeric AS n,
                'naïve 🎮' AS t, '\\x00ff'::bytea AS y, '2026-01-02 03:04:05.678901+00'::timestamptz AS at, $1 AS p
            """
        let count = try connection.forEachRow(of: sql, [.int64(42)]) { row in
            #expect(row.columns.names == ["b", "s", "i", "l", "d", "n", "t", "y", "at", "p"])
            expectEqual(try row.bool(0), true)
            expectEqual(try row.int32("s"), 7)
            expectEqual(try row.int32(2), -8)
            expectEqual(try row.int64("l"), 9)
            expectEqual(try row.double("d"), 1.5)
            expectEqual(try row.numeric("n"), Decimal128(unscaled: 12_340, scale: 3))
            expectEqual(try row.text("t"), "naïve 🎮")
            expectEqual(try row.withText(6) { $0.byteCount }, "naïve 🎮".utf8.count)
            expectEqual(try row.bytes("y"), [0, 255])
            expectEqual(try row.microsecondsSince1970("at"), 1_767_323_045_678_901)
            expectEqual(try row.int64("p"), 42)
            #expect(row["n"] == .numeric(Decimal128(unscaled: 12_340, scale: 3)))
            #expect(row["nothing"] == nil)
            #expect(row.dictionary["t"] == .text("naïve 🎮"))
            #expect(row.dictionary.count == 10)
        }
        #expect(count == 1)
    }

    @Test func valuesOfRunTimeTypesComeAsTheirCase() throws {
        var connection = try TestCluster.connect()
        let sql = "SELECT NULL::text, true, 3::int2, 2.5::real, 'x'::name, '\\x01'::bytea, now(), DATE '2026-01-02'"
        try connection.forEachRow(of: sql) { row in
            #expect(row[0] == .null)
            #expect(row[1] == .bool(true))
            #expect(row[2] == .integer(3))
            #expect(row[3] == .double(2.5))
            #expect(row[4] == .text("x"))
            #expect(row[5] == .bytes([1]))
            guard case .timestamp = row[6], case .other(type: 1082, _) = row[7] else {
                Issue.record("a timestamp and a date, found \(row[6]) and \(row[7])")
                return
            }
        }
    }

    @Test func nullsAreNilInEveryType() throws {
        var connection = try TestCluster.connect()
        let sql =
            "SELECT NULL::int8, NULL::float8, NULL::text, NULL::bool, NULL::numeric, NULL::bytea, NULL::timestamptz"
        try connection.forEachRow(of: sql) { row in
            #expect((0..<7).allSatisfy { row.isNull($0) })
            expectEqual(try row.int64(0), nil)
            expectEqual(try row.double(1), nil)
            expectEqual(try row.text(2), nil)
            expectEqual(try row.withText(2) { $0.byteCount }, nil)
            expectEqual(try row.bool(3), nil)
            expectEqual(try row.numeric(4), nil)
            expectEqual(try row.bytes(5), nil)
            expectEqual(try row.microsecondsSince1970(6), nil)
        }
    }

    @Test func manyRowsComeInOrderAndTheConnectionGoesOn() throws {
        var connection = try TestCluster.connect()
        var expected: Int64 = 0
        let count = try connection.forEachRow(of: "SELECT g, 'text ' || g FROM generate_series(0::int8, 99999) g") {
            row in
            guard try row.int64(0) == expected, try row.text(1) == "text \(expected)" else { throw ReaderError() }
            expected += 1
        }
        #expect(count == 100_000)
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func anEmptyAnswerStillNamesItsColumns() throws {
        var connection = try TestCluster.connect()
        var names: [String] = []
        let count = try connection.readRows(
            of: "SELECT 1::int8 AS a, 'x' AS b WHERE false", columns: { names = $0.names }
        ) { _ in .next }
        #expect(count == 0)
        #expect(names == ["a", "b"])
        let none = try connection.readRows(of: "SET application_name = 'x'", columns: { names = $0.names }) { _ in .next
        }
        #expect(none == 0)
        #expect(names == ["a", "b"])
    }

    @Test func aTypeOrNameThatIsNotThereIsAnErrorOfTheReader() throws {
        var connection = try TestCluster.connect()
        let wrongType = rowsFailure(&connection, "SELECT 'x' AS word") { _ = try $0.int64("word") }
        #expect(wrongType?.description == "postgres: column word has the type with oid 25, expected bigint")
        let wrongName = rowsFailure(&connection, "SELECT 1 AS a, 2 AS b") { _ = try $0.int64("c") }
        #expect(wrongName?.description == "postgres: no column c; the statement's columns are: a, b")
        let notText = rowsFailure(&connection, "SELECT 1 AS a") { _ = try $0.withText(0) { $0.byteCount } }
        #expect(notText?.description == "postgres: column a has the type with oid 23, expected text")
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test(arguments: [1, 50, 20_000])
    func aReaderThatStopsLeavesTheConnectionUsable(after rows: Int) throws {
        var connection = try TestCluster.connect()
        var count = 0
        let read = try connection.readRows(of: Self.endless) { _ in
            count += 1
            return count == rows ? .stop : .next
        }
        #expect(read == rows)
        #expect(connection.transactionStatus == .idle)
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func aReaderThatStopsInATransactionMakesItFail() throws {
        var connection = try TestCluster.connect()
        try connection.execute("BEGIN")
        try connection.readRows(of: Self.endless) { _ in .stop }
        #expect(connection.transactionStatus == .failed)
        try connection.execute("ROLLBACK; BEGIN")
        // The rest is here already, so nothing is cancelled.
        try connection.readRows(of: "SELECT generate_series(1, 3)") { _ in .stop }
        #expect(connection.transactionStatus != .unknown)
        try connection.execute("ROLLBACK")
    }

    @Test func aReadersErrorComesThrough() throws {
        var connection = try TestCluster.connect()
        #expect(throws: ReaderError.self) {
            try connection.forEachRow(of: Self.endless) { _ in throw ReaderError() }
        }
        #expect(throws: ReaderError.self) {
            try connection.readRows(of: "SELECT 1", columns: { _ in throw ReaderError() }) { _ in .next }
        }
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func anErrorInTheMiddleComesAfterTheRowsBefore() throws {
        var connection = try TestCluster.connect()
        var count = 0
        let error = rowsFailure(&connection, "SELECT 1 / (50000 - g) FROM generate_series(1, 100000) g") { _ in
            count += 1
        }
        #expect(error?.sqlState == "22012")
        #expect(error?.isConnectionLost == false)
        #expect(count == 49_999)
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func aStatementThatIsRefusedHandsOverNothing() throws {
        var connection = try TestCluster.connect()
        let error = rowsFailure(&connection, "SELECT * FROM no_such_table") { _ in Issue.record("a row") }
        #expect(error?.sqlState == "42P01")
        #expect(error?.fate == .configuration)
        let copy = rowsFailure(&connection, "COPY (SELECT 1) TO STDOUT") { _ in Issue.record("a row") }
        #expect(copy?.kind == .usage)
        #expect(copy?.isConnectionLost == true)
    }

    @Test func wideRowsComeWhole() throws {
        var connection = try TestCluster.connect()
        let columns = (0..<200).map { "g * \($0)::int8 AS c\($0)" }.joined(separator: ", ")
        try connection.forEachRow(of: "SELECT \(columns) FROM generate_series(1, 50) g") { row in
            guard try row.int64("c199") == row.int64(1)! * 199 else { throw ReaderError() }
        }
        let sizes = [1, 100_000, 9_000_000, 0, 65_536]
        for size in sizes {
            try connection.forEachRow(of: "SELECT repeat('é', $1), 1 FROM generate_series(1, 3)", [.int32(Int32(size))])
            { row in
                expectEqual(try row.withText(0) { $0.byteCount }, 2 * size)
                expectEqual(try row.int32(1), 1)
            }
        }
    }

    @Test func aBackendThatIsKilledInTheMiddleEndsTheCall() throws {
        var connection = try TestCluster.connect()
        var administrator = try TestCluster.connect()
        let pid = connection.backendPID
        var count = 0
        let error = rowsFailure(&connection, Self.endless) { _ in
            count += 1
            if count == 1_000 { _ = try administrator.query("SELECT pg_terminate_backend($1)", [.int32(pid)]) }
        }
        #expect(error?.isConnectionLost == true)
        #expect(error?.fate == .reconnect)
        #expect(count >= 1_000)
        let after = failure { () throws(PostgresError) in try connection.query("SELECT 1") }
        #expect(after?.isConnectionLost == true)
    }

    @Test func aCancelInTheMiddleEndsTheCallAndNotTheConnection() throws {
        var connection = try TestCluster.connect()
        let canceller = connection.canceller
        var count = 0
        let error = rowsFailure(&connection, Self.endless) { _ in
            count += 1
            if count == 1_000 { try canceller.cancel() }
        }
        #expect(error?.kind == .cancelled)
        #expect(error?.isConnectionLost == false)
        #expect(try connection.query("SELECT 5").int32(0, 0) == 5)
    }

    @Test func aDeadlineEndsAServerThatKeepsSending() throws {
        var connection = try TestCluster.connect()
        let error = rowsFailure(
            &connection, Self.endless, deadline: .now + .milliseconds(200)
        ) { _ in }
        #expect(error?.kind == .timeout)
        // A server that is too busy to confirm the cancellation in time is left.
        if error?.isConnectionLost == false { #expect(try connection.query("SELECT 5").int32(0, 0) == 5) }
    }

    @Test func aDeadlineEndsAServerThatSaysNothing() throws {
        var connection = try TestCluster.connect()
        var count = 0
        let asleep = rowsFailure(&connection, "SELECT pg_sleep(30)", deadline: .now + .milliseconds(100)) { _ in
            count += 1
        }
        #expect(asleep?.kind == .timeout)
        #expect(count == 0)
    }

    @Test func aWatchThatGivesUpClosesTheConnection() throws {
        var connection = try TestCluster.connect()
        connection.watch = SilenceWatch(interval: .milliseconds(10)) { _ in .cancel }
        let error = rowsFailure(&connection, "SELECT pg_sleep(30)") { _ in }
        #expect(error?.kind == .cancelled)
        #expect(error?.isConnectionLost == true)
    }

    @Test func memoryDoesNotGrowWithTheAnswer() throws {
        var connection = try TestCluster.connect()
        var first: Int?
        var most = 0
        var count = 0
        // 400 MB.
        try connection.forEachRow(of: "SELECT repeat('x', 1000) FROM generate_series(1, 400000)") { row in
            count += 1
            guard count % 10_000 == 0 else { return }
            let bytes = try anonymousBytes()
            if first == nil { first = bytes }
            most = max(most, bytes)
        }
        let grown = most - (try #require(first))
        // Other tests run in this process at the same time; the whole answer would be 400 MB.
        #expect(grown < 100_000_000)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func randomAnswersAreThoseOfAWholeResult(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var connection = try TestCluster.connect()
        for _ in 0..<40 {
            let rows = random.pick([0, 1, 2, 31, 32, 33, 500])
            let width = random.below(2_000)
            let sql = """
                SELECT CASE WHEN g % \(2 + random.below(5)) = 0 THEN NULL ELSE g END, repeat(chr(200 + g % 50), \(width) * g % 999)
                FROM generate_series(1, \(rows)) g
                """
            let whole = try connection.query(sql)
            var row = 0
            try connection.forEachRow(of: sql) { each in
                guard try each.int32(0) == whole.int32(row, 0), try each.text(1) == whole.text(row, 1) else {
                    Issue.record("row \(row) of \(rows), seed \(seed)")
                    throw ReaderError()
                }
                row += 1
            }
            #expect(row == whole.rowCount, "seed \(seed)")
        }
    }
}

/// An expectation about a row, which the macro cannot capture.
private func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, _ place: SourceLocation = #_sourceLocation
) {
    #expect(found == expected, sourceLocation: place)
}

/// What reading rows threw; what is no error of the driver fails the test.
private func rowsFailure(
    _ connection: inout Connection, _ sql: String, deadline: ContinuousClock.Instant? = nil,
    _ body: (borrowing Row) throws -> Void
) -> PostgresError? {
    do {
        try connection.forEachRow(of: sql, deadline: deadline, body)
        return nil
    } catch {
        if !(error is PostgresError) { Issue.record(error) }
        return error as? PostgresError
    }
}

/// Anonymous memory of this process.
private func anonymousBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
    return try #require(Int(line.filter(\.isNumber))) << 10
}
