import Postgres

/// Five typed values a row: text, bigint, text, double precision, timestamptz.
func rowBenchmark(url: String, rows: Int, isFetched: Bool) throws {
    let sql = """
        SELECT 'campaign-' || g, g, 'advertiser ' || g % 10000, g / 7.0::float8,
            '2026-01-01 00:00:00+00'::timestamptz + g * interval '1 s'
        FROM generate_series(1::int8, \(rows)) g
        """
    var connection = try Connection.connect(ConnectionSettings(url: url), deadline: .now + .seconds(20))
    let base = Usage.peak
    let start = Usage.cpu
    var sum: Int64 = 0
    var count = 0
    if isFetched {
        let result = try connection.query(sql)
        count = result.rowCount
        for row in 0..<result.rowCount {
            sum &+= Int64(result.withUnsafeBytes(row, 0) { $0.count } ?? 0)
            sum &+= try result.int64(row, 1) ?? 0
            sum &+= Int64(result.withUnsafeBytes(row, 2) { $0.count } ?? 0)
            sum &+= Int64(try result.double(row, 3) ?? 0)
            sum &+= try result.microsecondsSince1970(row, 4) ?? 0
        }
    } else {
        count = try connection.forEachRow(of: sql) { row in
            sum &+= Int64(try row.withText(0) { $0.byteCount } ?? 0)
            sum &+= try row.int64(1) ?? 0
            sum &+= Int64(try row.withText(2) { $0.byteCount } ?? 0)
            sum &+= Int64(try row.double(3) ?? 0)
            sum &+= try row.microsecondsSince1970(4) ?? 0
        }
    }
    let seconds = Usage.cpu - start
    show("typed rows per CPU-second", Double(count) / seconds, "rows", digits: 0)
    show("peak memory beside the program", Usage.peak - base, "MiB")
    show("check", Double(sum % 1_000_003), "", digits: 0)
}
