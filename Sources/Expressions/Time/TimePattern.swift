/// A pattern of `to_char` for times.
struct TimePattern: Sendable {
    private enum Field: String, Sendable, CaseIterable {
        case IYYY, YYYY, YY, Q, Month, MONTH, month, Mon, MON, mon, MM, MI, MS, DDD, DD, Day, DAY, day, Dy, DY, dy, ID, D
        case IW, WW, HH24, HH12, HH, SS, US, AM, PM, am, pm
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
            case .YYYY: (date.year, 4)
            case .YY: (date.year % 100, 2)
            case .IYYY: (CivilDate.isoWeek(daysSince1970: civil.days).year, 4)
            case .Q: ((date.month - 1) / 3 + 1, 1)
            case .MM: (date.month, 2)
            case .DD: (date.day, 2)
            case .DDD: (date.dayOfYear, 3)
            case .D: (CivilDate.weekday(daysSince1970: civil.days) + 1, 1)
            case .ID: ((CivilDate.weekday(daysSince1970: civil.days) + 6) % 7 + 1, 1)
            case .WW: ((date.dayOfYear - 1) / 7 + 1, 2)
            case .IW: (CivilDate.isoWeek(daysSince1970: civil.days).week, 2)
            case .HH24: (civil.hour, 2)
            case .HH12, .HH: (hour12, 2)
            case .MI: (civil.minute, 2)
            case .SS: (civil.second, 2)
            // Digits of a fraction stay, filled or not.
            case .MS: (civil.microsecond / 1000, -3)
            case .US: (civil.microsecond, -6)
            default: nil
            }
        if let number {
            out.append(number.value, digits: number.digits < 0 ? -number.digits : isFilled ? number.digits : 1)
            return
        }
        switch field {
        case .AM, .PM: out.append(civil.hour < 12 ? "AM" : "PM")
        case .am, .pm: out.append(civil.hour < 12 ? "am" : "pm")
        case .Month, .MONTH, .month, .Mon, .MON, .mon:
            name(Self.monthNames[Int(date.month) - 1], field.rawValue, isFilled, &out)
        default:
            name(Self.dayNames[Int(CivilDate.weekday(daysSince1970: civil.days))], field.rawValue, isFilled, &out)
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
