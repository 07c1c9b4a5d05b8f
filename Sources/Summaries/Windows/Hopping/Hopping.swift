package import Declaration
package import Platform

/// Windows of one length that begin more often than they end, so that they overlap. A pane is what lies between two
/// beginnings.
package struct Hopping: WindowFunction, WindowType {
    let panes: Tumbling
    let every: Int64
    package let windowsPerPane: Int

    /// Windows of `count` times `every` microseconds, one beginning after each of them.
    package init(every microseconds: Int64, count: Int) {
        every = microseconds
        panes = Tumbling(microseconds: microseconds)
        windowsPerPane = count
    }

    /// The most windows that a record may be in: minutes of a day. Each is a row to write, and one more merge when an epoch
    /// closes.
    private static let windowsMax: Int64 = 1_440

    package static let spec = WindowSpec(
        name: "hopping",
        summary: "With `every` they overlap: `{ size: 10m, every: 1m }` makes one of ten minutes begin every minute.",
        fields: Tumbling.spec.fields + [
            FieldSpec(
                "every", .duration(.seconds(1)...Tumbling.longest), "How often a window begins, a part of its size.",
                example: "1m")
        ])

    package static func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)? {
        guard let size = window["size"], let every = window["every"], let distance = every.duration else { return nil }
        func refuse(_ what: String, _ hint: String) -> (any WindowFunction)? {
            problems.append(Diagnostic(code: "window-hop", at: every.location, what, hint: hint))
            return nil
        }
        guard let length = size.duration else {
            guard CalendarUnit(size) != nil else { return nil }
            return refuse(
                "windows of the calendar follow on one another, found `every`",
                "leave it out, or write a length such as 7d")
        }
        let (whole, part) = (length.wholeMicroseconds, distance.wholeMicroseconds)
        guard whole % part == 0 else {
            return refuse(
                "a window of \(Tumbling.text(whole)) is no multiple of \(Tumbling.text(part)), expected one that is",
                "a window is made of the stretches between two beginnings")
        }
        guard whole / part <= windowsMax else {
            return refuse(
                "each record would be in \(whole / part) windows, expected at most \(windowsMax)",
                "let windows begin less often")
        }
        Tumbling.warnOfDrift(distance, at: every.location, &problems)
        return whole == part
            ? Tumbling(microseconds: whole) : Hopping(every: part, count: Int(whole / part))
    }

    package var longest: Int64 { every * Int64(windowsPerPane) }
    package var size: String { Tumbling.text(every * Int64(windowsPerPane)) }
    package var comment: String {
        "first moment of a window of \(size); one begins every \(Tumbling.text(every)), so each record is in "
            + "\(windowsPerPane) of them: do not add them up"
    }
    package var definition: String { "\(size) every \(Tumbling.text(every))" }

    package func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane { panes.pane(of: microseconds) }

    package func window(_ number: Int, of pane: Int64) -> Int64 { pane - Int64(number) * every }
}
