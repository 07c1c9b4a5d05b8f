package import Declaration
package import Platform
package import Summaries

/// A toy window: tumbling windows that begin a while later, such as hours at seven minutes past.
package struct Shifted: WindowFunction, WindowType {
    private let size: Duration
    private let shift: Duration

    /// Windows of a size that begin `shift` after those of `Tumbling`.
    package init(size: Duration, shift: Duration) {
        self.size = size
        self.shift = shift
    }

    package static let spec = WindowSpec(
        name: "shifted", summary: "With `shift` they begin that much later.",
        fields: Tumbling.spec.fields + [
            FieldSpec("shift", .duration(.seconds(1)...(.seconds(86_400))), "How much later.", example: "7m")
        ])

    package static func compile(
        _ window: ConfigValue, input: RecordSchema, _ problems: inout Diagnostics
    ) -> (any WindowFunction)? {
        guard let size = window["size"]?.duration, let shift = window["shift"]?.duration else { return nil }
        return Shifted(size: size, shift: shift)
    }

    package var longest: Int64 { size.wholeMicroseconds }
    package var definition: String { "\(size) shifted by \(shift)" }

    package func pane(of microseconds: Int64, in zone: TimeZoneRules) -> Pane {
        let shift = shift.wholeMicroseconds
        let pane = Tumbling(microseconds: size.wholeMicroseconds).pane(of: microseconds - shift)
        return Pane(start: pane.start + shift, length: pane.length)
    }
}
