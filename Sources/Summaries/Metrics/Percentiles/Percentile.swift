import Declaration
import Expressions

/// A percentile: `p` in percent with the text the user wrote, from which the column is named.
package struct Percentile: Sendable, Hashable {
    /// 0 to 100.
    package var percent: Double
    /// `95`, `99.9`, …
    package var text: String

    /// Creates a percentile.
    package init(percent: Double, text: String) {
        self.percent = percent
        self.text = text
    }

    /// `p95`, `p99_9`, …
    package var columnSuffix: String { "p" + String(text.map { $0 == "." ? "_" : $0 }) }
}

extension Percentile {
    /// The percentiles that a call asks for, behind its field.
    static func list(of call: MetricCall, _ problems: inout Diagnostics) -> [Percentile] {
        var found: [Percentile] = []
        func report(_ location: SourceLocation, _ what: String, _ hint: String? = nil) {
            problems.append(Diagnostic(code: "metric-arguments", at: location, what, hint: hint))
        }
        // Who asks for the 50th percentile speaks of percent, not of fractions.
        let speaksOfPercent = call.arguments.dropFirst().contains { argument in
            if case .number(_, let percent, _) = argument { percent > 1 && percent <= 100 } else { false }
        }
        for argument in call.arguments.dropFirst() {
            guard case .number(let text, let percent, let location) = argument, (0...100).contains(percent) else {
                report(
                    argument.location, "a percentile must be a number from 0 to 100",
                    "for example percentiles(f, 50, 95, 99.9)")
                continue
            }
            guard percent == 0 || percent >= 1 || (speaksOfPercent && isPlain(text)) else {
                let meant = Percentile.text(percent * 100)
                report(
                    location, "percent is 0 to 100 here, found \(text)",
                    "the \(meant)th percentile is \(meant); \(text) percent stands beside one above 1, such as 50")
                continue
            }
            let percentile = Percentile(percent: percent, text: text.hasPrefix(".") ? "0" + text : text)
            if found.contains(where: { $0.columnSuffix == percentile.columnSuffix }) {
                report(location, "percentile \(text) is asked for twice")
                continue
            }
            found.append(percentile)
        }
        if call.arguments.count < 2 {
            report(
                call.functionLocation, "percentiles() needs at least one percentile",
                "for example percentiles(duration_ms, 50, 95, 99)")
        }
        return found
    }

    /// Whether a number is written so that it can be part of a column's name.
    private static func isPlain(_ text: String) -> Bool { text.allSatisfy { $0 == "." || $0.isNumber } }

    /// A number of percent without needless digits.
    private static func text(_ percent: Double) -> String {
        let rounded = (percent * 1e6).rounded() / 1e6
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
