import Glibc
import JSON
import Lookups

/// Values written as text, in a CSV file:
///
/// | type | written as |
/// | --- | --- |
/// | text | UTF-8 without U+0000 |
/// | integer | `42`, `-42`, `+42`, `42.0`, within 64 bits |
/// | decimal(2) | `4.5`, `-4.50`, `4`, `1e2`; more digits behind the point are rounded half away from zero |
/// | double | `4.5`, `1e-3`, `NaN`, `Infinity` |
/// | boolean | `true`, `false`, `yes`, `no`, `on`, `off`, `1`, `0`, and beginnings of these that are only one's, in any case |
/// | timestamp | `2026-01-02` (midnight UTC), `2026-01-02T03:04:05.678Z`, `2026-01-02 03:04:05+01:00`; without a zone, UTC |
///
/// Integers, decimals and booleans are those that `parse_json` takes with `accept: text`: as Postgres reads them.
enum FieldText {
    /// Sets a field of a row; false when the text is no such value.
    static func set(
        _ row: inout DimensionRow, _ field: Int, _ type: DimensionType, _ bytes: [UInt8], _ range: Range<Int>
    ) -> Bool {
        if type == .text {
            return unsafe bytes.withUnsafeBytes { all in
                let text = unsafe UnsafeRawBufferPointer(rebasing: all[range])
                // Postgres, where it ends, stores no U+0000.
                guard unsafe isUTF8(text) && !text.contains(0) else { return false }
                unsafe row.set(field, text: text)
                return true
            }
        }
        if type == .double {
            guard let value = double(bytes[range]) else { return false }
            row.set(field, double: value)
            return true
        }
        guard let value = integer(type, bytes[range]) else { return false }
        row.set(field, integer: value)
        return true
    }

    /// What a message shows of a value.
    static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(40), as: UTF8.self)
        return "'\(text)\(bytes.count > 40 ? "…" : "")'"
    }

    /// What a value of a type looks like.
    static func expectation(_ type: DimensionType) -> String {
        switch type {
        case .text: "UTF-8 without U+0000"
        case .integer: "a whole number of 64 bits such as 42"
        case .decimal(let scale): "a number that fits 64 bits with \(scale) digits behind the point"
        case .double: "a number such as 4.5 or 1e-3"
        case .boolean: "true or false"
        case .timestamp: "an instant such as 2026-01-02T03:04:05Z"
        }
    }

    /// A value that is kept as a whole number.
    static func integer(_ type: DimensionType, _ bytes: ArraySlice<UInt8>) -> Int64? {
        switch type {
        case .integer: spelled(bytes, as: .integer)
        case .decimal(let scale): spelled(bytes, as: .decimal(scale: scale))
        case .boolean: boolean(bytes)
        case .timestamp: InstantText.parse(bytes)
        case .text, .double: nil
        }
    }

    private static func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
        if unsafe text.allSatisfy({ $0 < 0x80 }) { return true }
        return unsafe String(validating: text, as: UTF8.self) != nil
    }

    private static func spelled(_ bytes: ArraySlice<UInt8>, as type: FieldType) -> Int64? {
        var value: Int64 = 0
        let error = unsafe bytes.withUnsafeBytes { text in
            unsafe withUnsafeMutableBytes(of: &value) { place in
                guard let place = place.baseAddress else { preconditionFailure("a number has a place") }
                return unsafe type.read(text, into: place)
            }
        }
        return error == nil ? value : nil
    }

    private static func double(_ bytes: ArraySlice<UInt8>) -> Double? {
        // Swift's parser also takes hexadecimal, which nobody means.
        guard !bytes.contains(where: { $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") }) else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }

    private static func boolean(_ bytes: ArraySlice<UInt8>) -> Int64? {
        var value: UInt8 = 0
        let error = unsafe bytes.withUnsafeBytes { text in unsafe FieldType.boolean.read(text, into: &value) }
        return error == nil ? Int64(value) : nil
    }
}

/// Instants as text.
enum InstantText {
    /// Microseconds since 1970; nil when the text is none, or beyond the years 1 to 9999. Digits behind the sixth of a
    /// second are cut off.
    static func parse(_ text: ArraySlice<UInt8>) -> Int64? {
        var rest = text
        guard let year = number(&rest, 4), take("-", &rest), let month = number(&rest, 2), take("-", &rest),
            let day = number(&rest, 2), year >= 1, (1...12).contains(month), day >= 1, day <= length(of: month, year)
        else { return nil }
        let days = daysSince1970(year, month, day)
        if rest.isEmpty { return days * 86_400_000_000 }
        guard take("T", &rest) || take("t", &rest) || take(" ", &rest), let hour = number(&rest, 2), take(":", &rest),
            let minute = number(&rest, 2), take(":", &rest), let second = number(&rest, 2), hour < 24, minute < 60,
            second < 60, let fraction = fraction(&rest), let offset = offset(&rest), rest.isEmpty
        else { return nil }
        return ((days * 24 + hour) * 60 + minute - offset) * 60_000_000 + second * 1_000_000 + fraction
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ digits: Int) -> Int64? {
        guard rest.count >= digits else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(digits) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        rest = rest.dropFirst(digits)
        return value
    }

    private static func take(_ scalar: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: scalar) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard take(".", &rest) else { return 0 }
        var value: Int64 = 0
        var unit: Int64 = 100_000
        var hasDigits = false
        while let digit = number(&rest, 1) {
            value += digit * unit
            unit /= 10
            hasDigits = true
        }
        return hasDigits ? value : nil
    }

    /// Minutes east of UTC: `Z`, `+01:00`, `+0100`, `+01` (as Postgres writes it), or nothing for UTC.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if rest.isEmpty || take("Z", &rest) || take("z", &rest) { return 0 }
        let isEast = take("+", &rest)
        guard isEast || take("-", &rest), let hours = number(&rest, 2), hours < 24 else { return nil }
        var minutes: Int64 = 0
        if !rest.isEmpty {
            _ = take(":", &rest)
            guard let found = number(&rest, 2), found < 60 else { return nil }
            minutes = found
        }
        return (isEast ? 1 : -1) * (hours * 60 + minutes)
    }

    private static func length(of month: Int64, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days from civil (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013).
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let ofEra = shifted - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }
}
