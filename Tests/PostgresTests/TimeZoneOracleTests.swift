import Platform
import Postgres
import Testing

/// Postgres is the oracle for time zones: which offset holds when, and what a local time means.
@Suite struct TimeZoneOracleTests {
    /// Zones whose past and whose rules no release of the tz database is likely to change: a Postgres may bring its own.
    static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
        "Europe/Dublin",
        "Pacific/Apia", "America/Sao_Paulo", "Europe/Moscow", "Antarctica/Troll", "Africa/Monrovia", "Asia/Tokyo",
        "UTC",
    ]

    /// Seconds of all years from 1800 to 9999, and many around each change of clocks until 2100.
    private static func seconds(_ zone: TimeZoneRules, _ random: inout SeededRandom) -> [Int64] {
        var seconds = (0..<1_500).map { _ in Int64.random(in: -5_364_662_400...253_402_300_799, using: &random) }
        seconds += (0..<1_500).map { _ in Int64.random(in: -3_000_000_000...4_500_000_000, using: &random) }
        var span = zone.span(at: -5_364_662_400)
        while span.end < 4_102_444_800 {
            for offset in [span.offset, zone.offset(at: span.end)] {
                seconds += [-1, 0, 1, -1_800, 1_800].map { span.end + Int64(offset) + $0 }
            }
            seconds += (0..<4).map { _ in span.end + Int64.random(in: -100_000...100_000, using: &random) }
            span = zone.span(at: span.end)
        }
        return seconds
    }

    @Test(arguments: zones) func theServerAgrees(name: String) throws {
        let zone = try TimeZoneDatabase.system.rules(named: name)
        let seed: UInt64 = 20_260_329
        var random = SeededRandom(seed: seed)
        let seconds = Self.seconds(zone, &random)
        var array = ArrayBuilder(.int8)
        for second in seconds { array.append(second) }
        var connection = try TestCluster.connect()
        let result = try connection.query(
            """
            SELECT extract(epoch FROM (to_timestamp(s) AT TIME ZONE 'UTC') AT TIME ZONE $2)::bigint,
                extract(epoch FROM (to_timestamp(s) AT TIME ZONE $2) AT TIME ZONE 'UTC')::bigint - s
            FROM unnest($1) WITH ORDINALITY AS u(s, i) ORDER BY i
            """, [.array(array), .text(name)])
        for (row, second) in seconds.enumerated() {
            let (utc, offset) = (try result.int64(row, 0), try result.int64(row, 1))
            guard utc == zone.utc(ofLocal: second), offset == Int64(zone.offset(at: second)) else {
                Issue.record(
                    "\(name) at \(second): Postgres \(String(describing: utc)), \(String(describing: offset)), here \(zone.utc(ofLocal: second)), \(zone.offset(at: second)), seed \(seed)"
                )
                return
            }
        }
    }
}
