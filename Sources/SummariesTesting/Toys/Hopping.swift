package import Declaration
package import Summaries

/// A toy window: windows that begin every so often and overlap. A pane is what lies between two beginnings.
package struct Hopping: WindowFunction, WindowType {
    private let panes: Tumbling
    private let every: Int64
    package let windowsPerPane: Int

    /// Windows of `count` times `seconds`, one beginning every `seconds`.
    package init(everySeconds seconds: Int64, count: Int) {
        every = seconds * 1_000_000
        panes = Tumbling(microseconds: every)
        windowsPerPane = count
    }

    package static let spec = WindowSpec(
        name: "hopping", summary: "With `every` they overlap.",
        fields: Tumbling.spec.fields + [
            FieldSpec("every", .duration(.seconds(1)...(.seconds(86_400))), "How often one begins.", example: "1m")
        ])

    package static func compile(_ window: ConfigValue, _ problems: inout Diagnostics) -> (any WindowFunction)? {
        guard let size = window["size"]?.duration?.components.seconds,
            let every = window["every"]?.duration?.components.seconds
        else { return nil }
        guard size % every == 0 else {
            problems.append(
                Diagnostic(code: "out-of-range", at: window.location, "found \(every)s, expected a part of \(size)s"))
            return nil
        }
        return Hopping(everySeconds: every, count: Int(size / every))
    }

    package var definition: String { "\(windowsPerPane) times \(every)us" }

    package func pane(of microseconds: Int64) -> Pane { panes.pane(of: microseconds) }

    package func window(_ number: Int, of pane: Int64) -> Int64 { pane - Int64(number) * every }
}
