import Platform

extension FunctionCatalog {
    /// Making and moving times.
    static let times: [ExpressionFunction] = [
        ExpressionFunction(
            "date_trunc",
            "The beginning of the unit in which the time lies, in UTC or in a zone: microseconds to millennium; a week "
                + "begins on Monday.",
            [
                .init("date_trunc('hour', timestamp '2026-01-31T12:34:56Z')", "2026-01-31 12:00:00+00"),
                .init("date_trunc('day', timestamp '2026-07-31T23:30:00Z', 'Europe/Berlin')", "2026-07-31 22:00:00+00"),
            ],
            .form([unit, .timestamp("time")], .timestamp, making: truncating),
            .form([unit, .local("time")], .localTimestamp, making: truncating),
            .form([unit, .timestamp("time"), Parameter.text("zone").fixed], .timestamp) { facts throws(FormProblem) in
                let unit = try timeUnit(facts, mustBeLength: true)
                let zone = try zone(facts, 2)
                return Kernel { call in
                    let time = call.arguments[1]
                    var cursor = ZoneCursor(zone)
                    call.fill({ time.isThere($0) }) { truncate(Int64.load(time, $0), unit, &cursor) }
                }
            },
            .form([unit, .timestamp("time"), .text("zone")], .timestamp) { facts throws(FormProblem) in
                let unit = try timeUnit(facts, mustBeLength: true)
                return Kernel { call in
                    let (time, name, zones) = (call.arguments[1], call.arguments[2], call.zones)
                    call.fill({ time.isThere($0) && name.isThere($0) }) { row -> Int64? in
                        guard let zone = zones.zone(TextView.load(name, row)) else { return nil }
                        var cursor = ZoneCursor(zone)
                        return truncate(Int64.load(time, row), unit, &cursor)
                    }
                }
            }),
        ExpressionFunction(
            "date_bin", "The beginning of the bin in which the time lies: bins of a length, counted from an origin.",
            [
                .init(
                    "date_bin(interval '15 minutes', timestamp '2026-01-31T12:34:56Z', timestamp '2026-01-01')",
                    "2026-01-31 12:30:00+00")
            ],
            deviation:
                "a time before the origin on a bound of bins begins its bin (Postgres 15 answers the bin before)",
            .form([.interval("length"), .timestamp("time"), .timestamp("origin")], .timestamp, making: binning),
            .form([.interval("length"), .local("time"), .local("origin")], .localTimestamp, making: binning)
        )
        .inSQL(
            .words { arguments in
                let (length, time, origin) = (arguments[0], arguments[1], arguments[2])
                let bins = "floor(extract(epoch FROM \(time) - \(origin)) / extract(epoch FROM \(length)))"
                return "(\(origin) + cast(\(bins) AS double precision) * \(length))"
            }),
        ExpressionFunction(
            "timezone",
            "Of a timestamp what the clocks of a zone show then; of that, with the zone, the timestamp. A time that a "
                + "change of clocks skips or repeats is taken as Postgres does.",
            [
                .init("timestamp '2026-07-01T12:00:00Z' at time zone 'Europe/Berlin'", "2026-07-01 14:00:00"),
                .init(
                    "(timestamp '2026-07-01T12:00:00Z' at time zone 'UTC') at time zone 'Asia/Kathmandu'",
                    "2026-07-01 06:15:00+00"),
            ], writing: "time at time zone zone",
            deviation: "takes the names of the time zone database as they are spelled there: no abbreviations but UTC, "
                + "no offsets, which Postgres reads with the sign of POSIX",
            .form([Parameter.text("zone").fixed, .timestamp("time")], .localTimestamp) { facts throws(FormProblem) in
                let zone = try zone(facts, 0)
                return Kernel { call in
                    let time = call.arguments[1]
                    var cursor = ZoneCursor(zone)
                    call.fill({ time.isThere($0) }) { row -> Int64? in
                        let instant = Int64.load(time, row)
                        return CivilTime.checked(instant + cursor.offset(at: instant))
                    }
                }
            },
            .form([Parameter.text("zone").fixed, .local("time")], .timestamp) { facts throws(FormProblem) in
                let cursor = ZoneCursor(try zone(facts, 0))
                return Kernel { call in
                    let time = call.arguments[1]
                    call.fill({ time.isThere($0) }) { row -> Int64? in
                        CivilTime.checked(cursor.instant(local: Int64.load(time, row)))
                    }
                }
            },
            .form(
                [.text("zone"), .timestamp("time")], .localTimestamp,
                zoned { time, cursor in
                    var cursor = cursor
                    return CivilTime.checked(time + cursor.offset(at: time))
                }),
            .form(
                [.text("zone"), .local("time")], .timestamp,
                zoned { time, cursor in
                    CivilTime.checked(cursor.instant(local: time))
                })),
        ExpressionFunction(
            "to_timestamp", "The time so many seconds after 1970-01-01 UTC.",
            [
                .init("to_timestamp(1769860800)", "2026-01-31 12:00:00+00"),
                .init("to_timestamp(0.5)", "1970-01-01 00:00:00.5+00"),
            ],
            deviation: "there is no form with a pattern: declare the format where records are parsed",
            .form([.double("seconds")], .timestamp, .map { (seconds: Double) in timestamp(seconds) })),
        ExpressionFunction(
            "make_timestamp", "The local time of a date and a time of day.",
            [.init("make_timestamp(2026, 1, 31, 12, 30, 15.5) at time zone 'UTC'", "2026-01-31 12:30:15.5+00")],
            .form(dateParameters, .localTimestamp, made { row, arguments in madeTime(arguments, row) })),
        ExpressionFunction(
            "make_timestamptz", "The timestamp of a date and a time of day, in UTC or in a zone.",
            [.init("make_timestamptz(2026, 7, 1, 0, 0, 0, 'Europe/Berlin')", "2026-06-30 22:00:00+00")],
            .form(dateParameters, .timestamp, made { row, arguments in madeTime(arguments, row) }),
            .form(dateParameters + [Parameter.text("zone").fixed], .timestamp) { facts throws(FormProblem) in
                let cursor = ZoneCursor(try zone(facts, 6))
                return made { row, arguments in
                    madeTime(arguments, row).flatMap { CivilTime.checked(cursor.instant(local: $0)) }
                }
            }),
        ExpressionFunction(
            "seconds_between", "Seconds from one time to another, negative when the second is the earlier.",
            [.init("seconds_between(timestamp '2026-01-01', timestamp '2026-01-01T00:01:30.5Z')", "90.500000")],
            isOwn: true,
            .form(
                [.timestamp("start"), .timestamp("end")], .fixed(.decimal(scale: 6)),
                .map { (a: Int64, b: Int64) in b - a }),
            .form([.local("start"), .local("end")], .fixed(.decimal(scale: 6)), .map { (a: Int64, b: Int64) in b - a })
        )
        .inSQL(.words { "extract(epoch FROM \($0[1]) - \($0[0]))" }),
    ]

    static let unit = Parameter.text("unit").fixed

    private static let dateParameters: [Parameter] = [
        .integer("year"), .integer("month"), .integer("day"), .integer("hour"), .integer("minute"), .double("second"),
    ]

    /// The unit that a call names.
    static func timeUnit(_ facts: FormArguments, mustBeLength: Bool) throws(FormProblem) -> TimeUnit {
        let name = facts.text(0).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let unit = TimeUnit(name.lowercased()), unit.isLength || !mustBeLength else {
            let known = TimeUnit.names.filter { !mustBeLength || TimeUnit($0)?.isLength ?? false }
            throw FormProblem(
                code: "unknown-unit", argument: 0,
                message:
                    "there is no such unit of time, found '\(name)', expected one of \(known.joined(separator: ", "))")
        }
        return unit
    }

    /// The zone that a constant names.
    private static func zone(_ facts: FormArguments, _ index: Int) throws(FormProblem) -> TimeZoneRules {
        let name = facts.text(index).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard TimeZoneDatabase.advice(onTwofold: name) == nil, let zone = TimeZoneDatabase.system.find(name) else {
            throw ZoneProblem.of(name, argument: index)
        }
        return zone
    }

    @Sendable private static func truncating(_ facts: FormArguments) throws(FormProblem) -> Kernel {
        let unit = try timeUnit(facts, mustBeLength: true)
        return Kernel { call in
            let time = call.arguments[1]
            call.fill({ time.isThere($0) }) { row -> Int64? in
                CivilTime.checked(unit.truncate(Int64.load(time, row)))
            }
        }
    }

    /// By the clocks of a zone. Within a day Postgres keeps the offset; days begin when the clocks say so.
    private static func truncate(_ time: Int64, _ unit: TimeUnit, _ cursor: inout ZoneCursor) -> Int64? {
        let offset = cursor.offset(at: time)
        let local = unit.truncate(time + offset)
        return CivilTime.checked(unit.microsecondsLength != nil ? local - offset : cursor.instant(local: local))
    }

    @Sendable private static func binning(_ facts: FormArguments) throws(FormProblem) -> Kernel {
        guard let interval = facts.intervals[0], interval.months == 0 else {
            throw FormProblem(
                code: "wrong-arguments", argument: 0,
                message: "a bin has no fixed length, found months, expected days or less",
                hint: "write date_trunc('month', field)")
        }
        let length = interval.days * CivilTime.day + interval.microseconds
        guard length > 0 else {
            throw FormProblem(
                code: "wrong-arguments", argument: 0, message: "a bin has no length, expected more than 0")
        }
        // The interval is no argument of the kernel.
        return .map { (time: Int64, origin: Int64) in
            let remainder = (time - origin) % length
            return CivilTime.checked(time - (remainder < 0 ? remainder + length : remainder))
        }
    }

    private static func zoned(_ body: @escaping @Sendable (Int64, ZoneCursor) -> Int64?) -> Kernel {
        Kernel { call in
            let (name, time, zones) = (call.arguments[0], call.arguments[1], call.zones)
            call.fill({ name.isThere($0) && time.isThere($0) }) { row -> Int64? in
                zones.zone(TextView.load(name, row)).flatMap { body(Int64.load(time, row), ZoneCursor($0)) }
            }
        }
    }

    /// As `float8_timestamptz` of Postgres, which counts from 2000.
    private static func timestamp(_ seconds: Double) -> Int64? {
        let shifted = ((seconds - 946_684_800) * 1_000_000).rounded(.toNearestOrEven)
        return Int64(exactly: shifted).flatMap { value in
            let (sum, overflow) = value.addingReportingOverflow(946_684_800_000_000)
            return overflow ? nil : CivilTime.checked(sum)
        }
    }

    private static func made(_ body: @escaping @Sendable (Int, [ArgumentReader]) -> Int64?) -> Kernel {
        Kernel { call in
            let arguments = call.arguments
            call.fill({ row in arguments.allSatisfy { $0.isThere(row) } }) { body($0, arguments) }
        }
    }

    private static func madeTime(_ arguments: [ArgumentReader], _ row: Int) -> Int64? {
        let (year, month, day) = (
            Int64.load(arguments[0], row), Int64.load(arguments[1], row), Int64.load(arguments[2], row)
        )
        let (hour, minute) = (Int64.load(arguments[3], row), Int64.load(arguments[4], row))
        let second = Double.load(arguments[5], row)
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= CivilDate.days(in: month, of: year), (0...24).contains(hour), (0...59).contains(minute),
            second >= 0, second <= 60
        else { return nil }
        let time = (hour * 60 + minute) * 60_000_000 + Int64((second * 1_000_000).rounded(.toNearestOrEven))
        guard time <= CivilTime.day else { return nil }
        return CivilTime.checked(CivilDate(year: year, month: month, day: day).daysSince1970 * CivilTime.day + time)
    }
}
