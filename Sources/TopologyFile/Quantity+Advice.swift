/// What to write in place of a number, a size or a length of time that cannot be read; nil where nobody can guess.
extension Quantity {
    /// Words people use for units of time, in milliseconds.
    private static let timeWords: [(words: [String], factor: Int64)] = [
        (["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"], 1),
        (["s", "sec", "secs", "second", "seconds"], 1000),
        (["m", "min", "mins", "minute", "minutes"], 60_000),
        (["h", "hr", "hrs", "hour", "hours"], 3_600_000),
        (["d", "day", "days"], 86_400_000),
        (["w", "wk", "week", "weeks"], 7 * 86_400_000),
    ]

    /// The way out for a length of time.
    static func durationAdvice(_ text: String) -> String? {
        if integer(text) != nil { return "add a unit: ms, s, m, h or d" }
        let words = pieces(text)
        if let unit = words.last?.unit, words.count == 1 {
            if unit == "M" { return "minutes are m: \(words[0].number)m; a window of a calendar month is 1 month" }
            if ["mo", "mon", "month", "months"].contains(unit.lowercased()) { return "months are not available" }
            if ["y", "yr", "year", "years"].contains(unit.lowercased()) {
                return "years are not available; the longest is 366d"
            }
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
        if parts.count == 2, let first = parts[0], let second = parts[1], 0..<10_000 ~= first, 0..<60 ~= second {
            return "write it with a unit: \(describe(.seconds(first * 60 + second))) for minutes and seconds, "
                + "\(describe(.seconds((first * 60 + second) * 60))) for hours and minutes"
        }
        var total = 0.0
        for (number, unit) in words {
            guard let value = Double(number), value < 1e9,
                let factor = timeWords.first(where: { $0.words.contains(unit.lowercased()) })?.factor
            else { return nil }
            total += value * Double(factor)
        }
        guard !words.isEmpty, total >= 1, total == total.rounded(), total < 1e15 else { return nil }
        let written = describe(.milliseconds(Int64(total)))
        let isWeeks = words.contains { $0.unit.lowercased().hasPrefix("w") }
        return isWeeks ? "there is no unit for weeks: write \(written)" : "write \(written)"
    }

    /// The way out for the length of a window.
    static func windowAdvice(_ text: String) -> String? {
        let words = pieces(text)
        if words.count == 1 {
            let unit = words[0].unit.lowercased()
            let found = calendarUnits.first { unit == $0 || unit == $0 + "s" || (unit == "mo" && $0 == "month") }
            if let found, found != "day" {
                return words[0].number == "1"
                    ? "write 1 \(found)" : "windows of the calendar are one unit long: 1 \(found)"
            }
            if unit == "w" || unit == "y" { return "write 1 \(unit == "w" ? "week" : "year")" }
        }
        return durationAdvice(text)
    }

    /// The way out for a size.
    static func sizeAdvice(_ text: String) -> String? {
        let units = "units are KiB, MiB, GiB and TiB"
        if let plain = integerAdvice(text) { return plain }
        guard let (number, unit) = pieces(text).first, pieces(text).count == 1, integer(number) != nil,
            let letter = unit.first?.uppercased(), ["K", "M", "G", "T"].contains(letter),
            ["", "B", "IB", "I"].contains(unit.dropFirst().uppercased())
        else { return units }
        return "\(units): write \(number)\(letter)iB"
    }

    /// The way out for a whole number: YAML's dialects disagree about all of these.
    static func integerAdvice(_ text: String) -> String? {
        let digits = text.filter { $0 != "_" && $0 != "," }
        if digits != text, integer(digits) != nil { return "write \(digits)" }
        if text.hasPrefix("0x"), let value = Int64(text.dropFirst(2), radix: 16) { return "write \(value)" }
        if text.hasPrefix("0o"), let value = Int64(text.dropFirst(2), radix: 8) { return "write \(value)" }
        if text.hasPrefix("0"), text.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int64(text) {
            return "write \(value); with a leading zero it is another number to some"
        }
        if text.hasPrefix("+"), let value = integer(String(text.dropFirst())) { return "write \(value)" }
        guard text.contains(where: { "eE.".contains($0) }), let value = Double(text), value == value.rounded(),
            abs(value) < 1e15
        else { return nil }
        return "write \(Int64(value))"
    }

    /// `1h30m` as numbers and words; `PT1H30M` too. Empty when it is nothing of the kind.
    private static func pieces(_ text: String) -> [(number: String, unit: String)] {
        var rest = Substring(text.filter { $0 != " " })
        if rest.hasPrefix("P") {
            rest = Substring(rest.dropFirst().filter { $0 != "T" }.lowercased())
        }
        var found: [(number: String, unit: String)] = []
        while !rest.isEmpty, found.count < 8 {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard !number.isEmpty, !unit.isEmpty else { return [] }
            found.append((String(number), String(unit)))
        }
        return rest.isEmpty ? found : []
    }
}
