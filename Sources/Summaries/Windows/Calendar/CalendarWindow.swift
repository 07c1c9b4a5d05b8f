import Dataflow
package import Declaration
package import Platform

/// Days, weeks, months, quarters and years as clocks and calendars of a place show them.
///
/// A window is known by what `date_trunc(unit, time, zone)` of Postgres answers for its records: the moment at which
/// clocks show its first midnight, read by the offset before the change where they skip it, and by the one after it where
/// they show it twice.
package struct CalendarWindow: WindowFunction, WindowType {
    /// Whose calendar it is.
    package enum Zone: Sendable {
        /// The same for all records.
        case fixed(TimeZoneRules)
        /// Each record's own: a text field with the name of a zone.
        case field(RecordSchema.Field)

        /// UTC.
        package static let utc = Zone.fixed(.utc)
    }

    let unit: CalendarUnit
    let zone: Zone

    /// Windows of a unit in a zone.
    package init(_ unit: CalendarUnit, in zone: Zone) {
        self.unit = unit
        self.zone = zone
    }

    package static let spec = WindowSpec(
        name: "calendar",
        summary:
            "A unit of the calendar, such as `{ size: 1 day, zone: Europe/Berlin }`, begins when clocks there show "
            + "midnight; weeks begin on Mondays.",
        fields: Tumbling.spec.fields + [
            FieldSpec(
                "zone", .string,
                "Whose calendar: the name of a time zone, or a text field that holds one for each record; UTC without it.",
                example: "Europe/Berlin")
        ])

    package static func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)? {
        var zone: Zone?
        if let value = window["zone"] { zone = Self.zone(value, input, &problems) }
        guard let size = window["size"], !size.isInvalid else { return nil }
        let unit = CalendarUnit(size) ?? (size.duration == .seconds(86_400) ? .day : nil)
        guard let unit else {
            let isWeek = size.duration == .seconds(7 * 86_400)
            problems.append(
                Diagnostic(
                    code: "window-zone", at: size.location,
                    "windows with a zone are units of the calendar, found a length of time, expected "
                        + CalendarUnit.choices,
                    hint: isWeek ? "write 1 week" : "leave the zone out: shorter windows are the same in most zones"))
            return nil
        }
        return zone.map { CalendarWindow(unit, in: $0) }
    }

    /// The zone of a name, or the field; nil when a problem says why there is none.
    private static func zone(_ value: ConfigValue, _ input: RecordSchema, _ problems: inout Diagnostics) -> Zone? {
        guard let text = value.string else { return nil }
        func refuse(_ what: String, _ hint: String? = nil) -> Zone? {
            problems.append(Diagnostic(code: "window-zone", at: value.location, what, hint: hint))
            return nil
        }
        if let field = input[text] {
            guard field.type == .text else {
                return refuse("the zone is the field \(text), which is \(field.type), expected text")
            }
            return .field(field)
        }
        if input.isUnresolved(text) { return nil }
        if let advice = TimeZoneDatabase.advice(onTwofold: text) {
            return refuse("the zone has two meanings, found \"\(text)\", expected the name of a time zone", advice)
        }
        do throws(TimeZoneDatabase.Failure) {
            return .fixed(try TimeZoneDatabase.system.rules(named: text))
        } catch .unknown {
            let names = input.fields.map(\.name) + TimeZoneDatabase.system.names
            return refuse(
                "the zone is unknown, found \"\(text)\", expected the name of a time zone or a text field",
                offsetHint(text) ?? Suggestion.hint(for: text, in: names))
        } catch {
            return refuse("the zone cannot be read: \(error)")
        }
    }

    /// The zone that keeps an offset such as `+02:00`, or that there has to be a name; nil for what is no offset.
    private static func offsetHint(_ text: String) -> String? {
        guard let match = text.wholeMatch(of: /([+-])(\d{1,2})(?::?(\d\d))?/), let hours = Int(match.2) else {
            return nil
        }
        let (isWest, minutes) = (match.1 == "-", match.3 ?? "00")
        guard minutes == "00", hours > 0, hours <= (isWest ? 12 : 14) else {
            return hours == 0 && minutes == "00" ? "write UTC" : "write the name of a zone that keeps that offset"
        }
        let name = "Etc/GMT\(isWest ? "+" : "-")\(hours)"
        return TimeZoneDatabase.system.names.contains(name)
            ? "\(name) is always \(text): its sign is that of the way to Greenwich" : nil
    }

    package var size: String { "1 \(unit.rawValue)" }

    package var definition: String {
        switch zone {
        case .fixed(let rules): "\(size) in \(rules.name)"
        case .field(let field): "\(size) in the zone of \(field.name)"
        }
    }

    package var comment: String {
        let place =
            switch zone {
            case .fixed(let rules): "in \(rules.name)"
            case .field(let field): "in the time zone that \(field.name) names"
            }
        return "first moment of a window of \(size) \(place), as date_trunc('\(unit.rawValue)', time, zone) answers"
    }

    package var longest: Int64 {
        let days: Int64 =
            switch unit {
            case .day: 1
            case .week: 7
            case .month: 31
            case .quarter: 92
            case .year: 366
            }
        // A day may be longer by what a zone's offset changes by.
        return (days + 1) * Self.daySeconds * 1_000_000
    }

    package var zoneField: RecordSchema.Field? { if case .field(let field) = zone { field } else { nil } }

    package func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane {
        let rules = if case .fixed(let fixed) = self.zone { fixed } else { zone }
        let second = Self.quotient(microseconds, 1_000_000)
        let span = rules.span(at: second)
        let offset = Int64(span.offset)
        let days = unit.days(around: Self.quotient(second + offset, Self.daySeconds))
        // The stretch in which neither the unit nor the offset changes.
        let first = max(span.start, days.lowerBound * Self.daySeconds - offset)
        let end = min(span.end, days.upperBound * Self.daySeconds - offset)
        return Pane(
            start: rules.utc(ofLocal: days.lowerBound * Self.daySeconds) * 1_000_000, first: first * 1_000_000,
            length: UInt64((end - first) * 1_000_000))
    }

    private static let daySeconds: Int64 = 86_400

    /// Rounded down.
    private static func quotient(_ number: Int64, _ divisor: Int64) -> Int64 {
        number / divisor - (number % divisor < 0 ? 1 : 0)
    }
}
