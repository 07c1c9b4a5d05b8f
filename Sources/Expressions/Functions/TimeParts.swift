extension FunctionCatalog {
    /// Parts of times, and times as texts.
    static let timeParts: [ExpressionFunction] = [
        ExpressionFunction(
            "extract",
            "A part of a time, in UTC: microseconds to millennium, `dow` (0: Sunday), `isodow`, `doy`, `isoyear`, `week` "
                + "(of ISO 8601), `epoch` (seconds since 1970).",
            [
                .init("extract(hour from timestamp '2026-01-31T12:34:56Z')", "12"),
                .init("extract(second from timestamp '2026-01-31T12:34:56.5Z')", "56.500000"),
                .init("extract(dow from timestamp '2026-02-01')", "0"),
            ], writing: "extract(unit from time)", extractForm(.timestamp("time")), extractForm(.local("time"))
        )
        .inSQL(.words { "extract(\($0[0]) FROM \($0[1]))" }),
        ExpressionFunction(
            "date_part", "The same as `extract`, as a double.",
            [.init("date_part('second', timestamp '2026-01-31T12:34:56.5Z')", "56.5")],
            partForm(.timestamp("time")), partForm(.local("time"))),
        ExpressionFunction(
            "to_char",
            "The time, in UTC, as text. The pattern holds `YYYY` `YY` `IYYY` `Q` `MM` `Mon` `Month` `DD` `DDD` `D` `ID` "
                + "`Dy` `Day` `WW` `IW` `HH24` `HH12` `MI` `SS` `MS` `US` `AM`, any behind `FM` to leave out zeros and "
                + "spaces; other letters stand in double quotes.",
            [
                .init("to_char(timestamp '2026-01-31T12:04:56Z', 'YYYY-MM-DD\"T\"HH24:MI:SS')", "2026-01-31T12:04:56"),
                .init("to_char(timestamp '2026-01-31', 'FMDay, DD Mon')", "Saturday, 31 Jan"),
            ],
            deviation:
                "takes times only, and of Postgres's patterns those listed; letters without a meaning are refused, "
                + "where Postgres copies them",
            charForm(.timestamp("time")), charForm(.local("time"))),
    ]

    private static func extractForm(_ time: Parameter) -> FunctionForm {
        let result = FunctionForm.Result(name: "integer, decimal(3) or decimal(6)") { facts in
            // A unit that there is not is said by the kernel's maker, with its place.
            let scale = (try? timeUnit(facts, mustBeLength: false))?.scale ?? 0
            return scale == 0 ? .integer : .decimal(scale: scale)
        }
        return .form([unit, time], result) { facts throws(FormProblem) in
            let unit = try timeUnit(facts, mustBeLength: false)
            return timeKernel { unit.part(of: $0) }
        }
    }

    private static func partForm(_ time: Parameter) -> FunctionForm {
        .form([unit, time], .double) { facts throws(FormProblem) in
            let unit = try timeUnit(facts, mustBeLength: false)
            return Kernel { call in
                let time = call.arguments[1]
                call.fill({ time.isThere($0) }) { row -> Double? in part(unit, Int64.load(time, row)) }
            }
        }
    }

    /// In doubles, by the same steps as Postgres's.
    private static func part(_ unit: TimeUnit, _ time: Int64) -> Double {
        let part = unit.part(of: time)
        return switch unit {
        case .epoch: Double(part) / 1_000_000
        case .second: Double(part / 1_000_000) + Double(part % 1_000_000) / 1_000_000
        case .milliseconds: Double(part / 1_000_000) * 1000 + Double(part % 1_000_000) / 1000
        default: Double(part)
        }
    }

    private static func timeKernel(_ body: @escaping @Sendable (Int64) -> Int64?) -> Kernel {
        Kernel { call in
            let time = call.arguments[1]
            call.fill({ time.isThere($0) }) { body(Int64.load(time, $0)) }
        }
    }

    private static func charForm(_ time: Parameter) -> FunctionForm {
        .form([time, Parameter.text("pattern").fixed], .text) { facts throws(FormProblem) in
            let pattern = try TimePattern(facts.text(1) ?? [])
            return .write { (time: Int64, out: inout TextWriter) in
                pattern.write(time, &out)
                return true
            }
        }
    }
}
