import Dataflow
import Platform

extension OracleCases {
    private static let units = [
        "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
        "century",
        "millennium",
    ]
    private static let parts = units + ["decade", "dow", "isodow", "doy", "isoyear", "epoch"]

    static let times: [OracleCase] =
        units.map { OracleCase("date_trunc('\($0)', a)", .timestamp) }
        + parts.map { OracleCase("extract(\($0) from a)", .timestamp) }
        + parts.map { OracleCase("date_part('\($0)', a)", .timestamp) }
        + [
            OracleCase("a + interval '1 day'", .timestamp), OracleCase("a - interval '1 month'", .timestamp),
            OracleCase("a + interval '13 months 3 days 4 hours 5 minutes 6.5 seconds'", .timestamp),
            OracleCase("a - interval '1 year'", .timestamp), OracleCase("interval '90 minutes' + a", .timestamp),
            OracleCase(
                "seconds_between(a, b)", sql: "extract(epoch from b) - extract(epoch from a)", .timestamp, .timestamp),
            OracleCase("date_bin(interval '15 minutes', a, b)", near, near),
            OracleCase("to_timestamp(a)", .double(-60_000_000_000...250_000_000_000)),
            OracleCase("to_timestamp(a)", .integer(-60_000_000_000...250_000_000_000)),
            OracleCase(
                "make_timestamptz(a, b, c, d, e, f)",
                sql: "make_timestamptz(a::int, b::int, c::int, d::int, e::int, f)",
                .integer(1...9999), .integer(0...13), .integer(0...32), .integer(-1...25), .integer(-1...60),
                .double(-1...61)),
            OracleCase("to_char(a, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')", .timestamp),
            OracleCase("to_char(a, 'IYYY-IW-ID Q DDD D WW MS YY')", .timestamp),
            OracleCase("to_char(a, 'Day, DD Month YYYY HH12:MI AM')", .timestamp),
            OracleCase("to_char(a, 'FMDay, FMDD FMMonth FMHH24 FMMI')", .timestamp),
            OracleCase("to_char(a, 'DY dy MON mon MONTH month DAY day am pm HH')", .timestamp),
            OracleCase("a < timestamp '2000-01-01'", sql: "a < timestamptz '2000-01-01'", .timestamp),
        ]

    /// Times with whole microseconds that are no bound of a bin.
    private static let near = OracleInput(type: .timestamp) { random in
        .integer(Int64(random.below(4_000_000)) * 1_000_000_007 + 3)
    }

    private static let zoneNames = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
    ]

    static let zones: [OracleCase] =
        zoneNames.flatMap { zone -> [OracleCase] in
            let around = OracleInput.around(zone)
            return [
                OracleCase("a at time zone '\(zone)'", around),
                OracleCase("(a at time zone 'UTC') at time zone '\(zone)'", around),
                OracleCase("date_trunc('day', a, '\(zone)')", around),
                OracleCase("date_trunc('hour', a, '\(zone)')", around),
                OracleCase("date_trunc('week', a, '\(zone)')", around),
                OracleCase("date_trunc('month', a, '\(zone)')", around),
                OracleCase("extract(hour from a at time zone '\(zone)')", around),
                OracleCase("to_char(a at time zone '\(zone)', 'YYYY-MM-DD HH24:MI:SS')", around),
            ]
        } + [
            OracleCase("a at time zone b", .around("Europe/Berlin"), .texts(zoneNames + ["Nowhere/None", "UTC"])),
            OracleCase("(a at time zone 'UTC') at time zone b", .around("America/St_Johns"), .texts(zoneNames)),
            OracleCase("date_trunc('day', a, b)", .around("Australia/Lord_Howe"), .texts(zoneNames)),
            OracleCase(
                "make_timestamptz(a, b, c, d, e, f, 'America/New_York')",
                sql: "make_timestamptz(a::int, b::int, c::int, d::int, e::int, f, 'America/New_York')",
                .integer(1890...2050),
                .integer(1...12), .integer(1...31), .integer(0...23), .integer(0...59), .double(0...60)),
        ]
}
