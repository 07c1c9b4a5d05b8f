import Foundation

/// Numbers, amounts and moments as people read them: three significant digits, and a unit.
package enum Figures {
    /// `0`, `12`, `3.46k`, `81.2k`, `1.20M`; what is not known is a dash.
    package static func count(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "–" }
        let size = abs(value)
        if size < 1_000 { return value == value.rounded() ? String(Int(value)) : digits(value) }
        for (unit, factor) in [("k", 1e3), ("M", 1e6), ("G", 1e9)] where size < factor * 999.5 {
            return digits(value / factor) + unit
        }
        return digits(value / 1e12) + "T"
    }

    package static func count(_ value: Int64?) -> String { count(value.map(Double.init)) }

    /// With thin spaces between groups of three digits: `1 234 567`.
    package static func exact(_ value: Int64) -> String {
        let digits = Array(String(value.magnitude))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append("\u{202F}") }
            text.append(digit)
        }
        return (value < 0 ? "−" : "") + text
    }

    /// Three significant digits: `1.23`, `12.3`, `123`, `0.0123`.
    static func digits(_ value: Double) -> String {
        let size = abs(value)
        if size == 0 { return "0" }
        if size < 0.001 { return String(format: "%.2e", value) }
        let decimals = size < 0.01 ? 5 : size < 0.1 ? 4 : size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0
        return String(format: "%.\(decimals)f", value)
    }

    /// The same number without zeros that say nothing: `5k` for `5.00k`, `2.5M` for `2.50M`.
    static func round(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        let unit = text[point...].dropFirst().drop(while: \.isNumber)
        var number = text[..<unit.startIndex]
        while number.last == "0" { number.removeLast() }
        if number.last == "." { number.removeLast() }
        return String(number + unit)
    }

    /// A rate in records a second.
    static func rate(_ value: Double?) -> String { count(value.map { $0 < 10 ? $0 : $0.rounded() }) + "/s" }

    /// `512 B`, `1.50 MiB`.
    package static func bytes(_ value: Double) -> String {
        for (unit, factor) in [("B", 1.0), ("KiB", 1_024), ("MiB", 1_048_576)] where abs(value) < factor * 1_023.5 {
            return (factor == 1 ? String(Int(value)) : digits(value / factor)) + " " + unit
        }
        return digits(value / 1_073_741_824) + " GiB"
    }

    /// `12 ms`, `3.2 s`, `5 min`, `3 h`, `8 d`.
    package static func duration(seconds: Double) -> String {
        switch abs(seconds) {
        case 0: "0 s"
        case ..<0.9995: "\(Int((seconds * 1_000).rounded())) ms"
        case ..<9.95: String(format: "%.1f s", seconds)
        case ..<119.5: "\(Int(seconds.rounded())) s"
        case ..<7_170: "\(Int((seconds / 60).rounded())) min"
        case ..<171_000: "\(Int((seconds / 3_600).rounded())) h"
        default: "\(Int((seconds / 86_400).rounded())) d"
        }
    }

    /// A moment, as UTC; where scripts run it becomes the reader's time, with UTC beside.
    static func moment(_ microseconds: Int64) -> HTML {
        let date = Date(timeIntervalSince1970: Double(microseconds) / 1e6)
        let text = date.formatted(.iso8601)
        return "<time datetime=\"\(text)\">\(text)</time>"
    }

    /// How much of a moment is said.
    enum Clock: String { case day, minute, second }

    /// The time of day in UTC, for axes, or the day with it.
    static func clock(_ seconds: Double, _ detail: Clock = .minute) -> HTML {
        let text = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        let time =
            switch detail {
            case .day: String(text.dropFirst(5).prefix(11)).replacing("T", with: " ")
            case .minute: String(text.dropFirst(11).prefix(5))
            case .second: String(text.dropFirst(11).prefix(8))
            }
        return "<time datetime=\"\(text)\" data-clock=\"\(detail.rawValue)\">\(time)</time>"
    }
}
