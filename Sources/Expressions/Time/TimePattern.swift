import Platform

/// A pattern of `to_char` for times.
struct TimePattern: Sendable {
    private enum Field: String, Sendable, CaseIterable {
        case isoYear = "IYYY"
        case year = "YYYY"
        case shortYear = "YY"
        case quarter = "Q"
        case monthName = "Month"
        case upperMonthName = "MONTH"
        case lowerMonthName = "month"
        case shortMonthName = "Mon"
        case upperShortMonthName = "MON"
        case lowerShortMonthName = "mon"
        case month = "MM"
        case dayName = "Day"
        case upperDayName = "DAY"
        case lowerDayName = "day"
        case shortDayName = "Dy"
        case upperShortDayName = "DY"
        case lowerShortDayName = "dy"
        case dayOfYear = "DDD"
        case day = "DD"
        case isoWeekday = "ID"
        case weekday = "D"
        case isoWeek = "IW"
        case week = "WW"
        case hour24 = "HH24"
        case hour12 = "HH12"
        case hour = "HH"
        case minute = "MI"
        case second = "SS"
        case millisecond = "MS"
        case microsecond = "US"
        case am = "AM"
        case pm = "PM"
        case lowerAM = "am"
        case lowerPM = "pm"
    }

    private enum Part: Sendable {
        case field(Field, isFilled: Bool)
        case text([UInt8])
    }

    private var parts: [Part] = []

    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    /// Longer names come first, so that DDD is not read as DD.
    private static let fields = Field.allCases.sorted { $0.rawValue.utf8.count > $1.rawValue.utf8.count }

    init(_ pattern: [UInt8]) throws(FormProblem) {
        var index = 0
        var isFilled = true
        while index < pattern.count {
            let rest = pattern[index...]
            let byte = pattern[index]
            if rest.starts(with: Array("FM".utf8)) {
                isFilled = false
                index += 2
            } else if let field = Self.fields.first(where: { rest.starts(with: Array($0.rawValue.utf8)) }) {
                parts.append(.field(field, isFilled: isFilled))
                isFilled = true
                index += field.rawValue.utf8.count
            } else if byte == UInt8(ascii: "\"") {
                guard let end = pattern[(index + 1)...].firstIndex(of: byte) else {
                    throw FormProblem(
                        code: "bad-pattern", argument: 1, offset: index, message: "a quote in a pattern has no end")
                }
                parts.append(.text(Array(pattern[(index + 1)..<end])))
                index = end + 1
            } else if (0x41...0x5A).contains(byte & 0xDF) {
                throw FormProblem(
                    code: "bad-pattern", argument: 1, offset: index,
                    message: "a letter of a pattern has no meaning, found '\(Unicode.Scalar(byte))', expected one of "
                        + "docs/functions.md",
                    hint: "put texts in double quotes: 'YYYY\"T\"HH24'")
            } else {
                parts.append(.text([byte]))
                index += 1
            }
        }
    }

    func write(_ microseconds: Int64, _ out: inout TextWriter) {
        let civil = CivilTime(microseconds)
        let date = civil.date
        for part in parts {
            switch part {
            case .text(let bytes): out.append(bytes)
            case .field(let field, let isFilled): write(field, isFilled, civil, date, &out)
            }
        }
    }

    private func write(
        _ field: Field, _ isFilled: Bool, _ civil: CivilTime, _ date: CivilDate, _ out: inout TextWriter
    ) {
        let hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12
        let number: (value: Int64, digits: Int)? =
            switch field {
            case .year: (date.year, 4)
            case .shortYear: (date.year % 100, 2)
            case .isoYear: (CivilDate.isoWeek(daysSince1970: civil.days).year, 4)
            case .quarter: ((date.month - 1) / 3 + 1, 1)
            case .month: (date.month, 2)
            case .day: (date.day, 2)
            case .dayOfYear: (date.dayOfYear, 3)
            case .weekday: (CivilDate.weekday(daysSince1970: civil.days) + 1, 1)
            case .isoWeekday: ((CivilDate.weekday(daysSince1970: civil.days) + 6) % 7 + 1, 1)
            case .week: ((date.dayOfYear - 1) / 7 + 1, 2)
            case .isoWeek: (CivilDate.isoWeek(daysSince1970: civil.days).week, 2)
            case .hour24: (civil.hour, 2)
            case .hour12, .hour: (hour12, 2)
            case .minute: (civil.minute, 2)
            case .second: (civil.second, 2)
            // Digits of a fraction stay, filled or not.
            case .millisecond: (civil.microsecond / 1000, -3)
            case .microsecond: (civil.microsecond, -6)
            default: nil
            }
        if let number {
            out.append(number.value, digits: number.digits < 0 ? -number.digits : isFilled ? number.digits : 1)
            return
        }
        switch field {
        case .am, .pm: out.append(civil.hour < 12 ? "AM" : "PM")
        case .lowerAM, .lowerPM: out.append(civil.hour < 12 ? "am" : "pm")
        case .monthName, .upperMonthName, .lowerMonthName, .shortMonthName, .upperShortMonthName, .lowerShortMonthName:
            name(Self.monthNames[Int(date.month) - 1], field.rawValue, isFilled, &out)
        case .dayName, .upperDayName, .lowerDayName, .shortDayName, .upperShortDayName, .lowerShortDayName:
            name(Self.dayNames[Int(CivilDate.weekday(daysSince1970: civil.days))], field.rawValue, isFilled, &out)
        default: preconditionFailure("A field of a time pattern is neither number nor name.")
        }
    }

    /// A name in the case of its pattern, which has as many letters if it stands for the short form; full ones are
    /// filled up to nine letters.
    private func name(_ name: String, _ pattern: String, _ isFilled: Bool, _ out: inout TextWriter) {
        let isShort = pattern.utf8.count <= 3 && pattern.lowercased() != "day"
        let letters = pattern.utf8
        let isCapital = letters.first.map { $0 & 0x20 == 0 } ?? false
        let isUpper = letters.allSatisfy { $0 & 0x20 == 0 }
        var written = 0
        for letter in name.utf8.prefix(isShort ? 3 : 9) {
            out.append(isUpper || written == 0 && isCapital ? letter & 0xDF : letter | 0x20)
            written += 1
        }
        guard isFilled, !isShort else { return }
        for _ in written..<9 { out.append(UInt8(ascii: " ")) }
    }
}
