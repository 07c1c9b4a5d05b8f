public import Dataflow
import Platform

/// Words of Postgres's SQL.
public enum SQLWord {
    /// A name in quotes.
    public static func name(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    /// A text in quotes.
    public static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// A moment.
    /// - Parameter microseconds: since 1970, in the years 1 to 9999.
    public static func timestamp(_ microseconds: Int64) -> String {
        "timestamptz '\(clock(microseconds))+00'"
    }

    /// A moment as a clock in UTC shows it: `2026-01-31 12:00:00.25`.
    public static func clock(_ microseconds: Int64) -> String {
        let days = quotient(microseconds, 86_400_000_000)
        let date = CivilDate(daysSince1970: days)
        let rest = microseconds - days * 86_400_000_000
        let seconds = rest / 1_000_000
        var text = "\(padded(date.year, 4))-\(padded(Int64(date.month), 2))-\(padded(Int64(date.day), 2)) "
        text += "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        let fraction = rest % 1_000_000
        if fraction > 0 {
            text += "." + padded(fraction, 6)
            while text.hasSuffix("0") { text.removeLast() }
        }
        return text
    }

    /// The type that holds the values of a column.
    public static func type(_ type: ColumnType) -> String {
        switch type {
        case .text: "text"
        case .integer: "bigint"
        case .decimal(let scale): "numeric(38, \(scale))"
        case .double: "double precision"
        case .boolean: "boolean"
        case .timestamp: "timestamptz"
        }
    }

    /// Rounded down.
    private static func quotient(_ number: Int64, _ divisor: Int64) -> Int64 {
        number / divisor - (number % divisor < 0 ? 1 : 0)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// A text without the white space around it that types take for none.
    public static func trimmed(_ text: String) -> String { "btrim(\(text), E' \\t\\n\\v\\f\\r')" }

    /// The truth value that a text is, by the words that Postgres takes for one; null where it is none.
    public static func truth(of text: String) -> String {
        let word = "lower(\(trimmed(text)))"
        return "CASE WHEN \(word) IN ('t', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on', '1') THEN true "
            + "WHEN \(word) IN ('f', 'fa', 'fal', 'fals', 'false', 'n', 'no', 'of', 'off', '0') THEN false END"
    }
}
