import Postgres
import Testing

@Suite struct ArrayBuilderTests {
    private static let rows = 50_000

    @Test func fiftyThousandRowsOfEveryTypeSurvive() throws {
        var bools = ArrayBuilder(.bool)
        var narrow = ArrayBuilder(.int4)
        var wide = ArrayBuilder(.int8)
        var doubles = ArrayBuilder(.float8)
        var texts = ArrayBuilder(.text)
        var bytes = ArrayBuilder(.bytea)
        var times = ArrayBuilder(.timestamptz)
        var numbers = ArrayBuilder(.numeric)
        for row in 0..<Self.rows {
            bools.append(row % 3 == 0)
            narrow.append(Int32(row) &* 1_000_003)
            wide.append(Int64(row) &* 1_000_000_000_039)
            doubles.append(Double(row) / 7)
            if row % 5 == 0 { texts.appendNull() } else { texts.append("row \(row) é") }
            bytes.append([UInt8](repeating: UInt8(truncatingIfNeeded: row), count: row % 17))
            times.append(microsecondsSince1970: Int64(row) * 86_400_000_001)
            numbers.append(Decimal128(unscaled: Int128(row) * -10_007, scale: 3))
        }
        var connection = try TestCluster.connect()
        let result = try connection.query(
            """
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY AS u(a, b, c, d, e, f, g, h, i)
            ORDER BY i
            """,
            [bools, narrow, wide, doubles, texts, bytes, times, numbers].map { .array($0) })
        #expect(result.rowCount == Self.rows)
        for row in 0..<Self.rows {
            let isRight =
                try result.bool(row, 0) == (row % 3 == 0)
                && result.int32(row, 1) == Int32(row) &* 1_000_003
                && result.int64(row, 2) == Int64(row) &* 1_000_000_000_039
                && result.double(row, 3) == Double(row) / 7
                && result.text(row, 4) == (row % 5 == 0 ? nil : "row \(row) é")
                && result.bytes(row, 5) == [UInt8](repeating: UInt8(truncatingIfNeeded: row), count: row % 17)
                && result.microsecondsSince1970(row, 6) == Int64(row) * 86_400_000_001
                && result.numeric(row, 7) == Decimal128(unscaled: Int128(row) * -10_007, scale: 3)
            if !isRight {
                Issue.record("row \(row) differs")
                return
            }
        }
    }

    @Test func anEmptyArrayHasNoRows() throws {
        var connection = try TestCluster.connect()
        let result = try connection.query(
            "SELECT cardinality($1), count(u) FROM unnest($1) AS u", [.array(ArrayBuilder(.int8))])
        #expect(try result.int64(0, 0) == 0)
        #expect(try result.int64(0, 1) == 0)
    }

    @Test func anArrayOfNullsHasRows() throws {
        var array = ArrayBuilder(.bytea)
        array.appendNull()
        array.appendNull()
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT u FROM unnest($1) AS u", [.array(array)])
        #expect(result.rowCount == 2)
        #expect(try result.bytes(1, 0) == nil)
    }

    @Test func resettingDropsElementsAndNulls() throws {
        var array = ArrayBuilder(.text, capacityBytes: 1024)
        array.appendNull()
        array.append("old")
        array.reset()
        #expect(array.count == 0)
        array.append("new")
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT $1", [.array(array)])
        let sent = unsafe result.withUnsafeBytes(0, 0) { unsafe [UInt8]($0) }
        #expect(sent == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3] + Array("new".utf8))
    }

    @Test func rawMemoryGoesIntoTextAndBytes() throws {
        var texts = ArrayBuilder(.text)
        var bytes = ArrayBuilder(.bytea)
        let word = Array("slice".utf8)
        unsafe word.withUnsafeBytes {
            unsafe texts.append($0)
            unsafe bytes.append($0)
        }
        unsafe bytes.append(word.span.bytes)
        var connection = try TestCluster.connect()
        let result = try connection.query("SELECT ($1)[1], ($2)[1] = ($2)[2]", [.array(texts), .array(bytes)])
        #expect(try result.text(0, 0) == "slice")
        #expect(try result.bool(0, 1) == true)
    }

    @Test func jsonIsJsonb() throws {
        var lists = ArrayBuilder(.jsonb)
        lists.append(json: Array("[{\"value\": \"é\", \"count\": 2}]".utf8))
        lists.appendNull()
        var connection = try TestCluster.connect()
        let result = try connection.query(
            "SELECT ($1)[1]->0->>'value', pg_typeof(($1)[1])::text, ($1)[2] IS NULL", [.array(lists)])
        #expect(try result.text(0, 0) == "é")
        #expect(try result.text(0, 1) == "jsonb")
        #expect(try result.bool(0, 2) == true)
    }

    @Test func aParameterKeepsItsRowsWhenTheBuilderChanges() throws {
        var array = ArrayBuilder(.int8)
        array.append(Int64(1))
        let parameter = Parameter.array(array)
        array.append(Int64(2))
        var connection = try TestCluster.connect()
        #expect(try connection.query("SELECT cardinality($1)", [parameter]).int64(0, 0) == 1)
        #expect(try connection.query("SELECT cardinality($1)", [.array(array)]).int64(0, 0) == 2)
    }
}
