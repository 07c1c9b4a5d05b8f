/// What the casts do that are more than another number of digits.
enum CastKernel {
    /// nil when there is no such cast.
    static func kernel(from source: ValueType, to type: ValueType) -> Kernel? {
        switch (source, type) {
        case (.text, .integer): .map { (text: TextView) in NumberText.integer(text) }
        case (.text, .decimal(let scale)): .map { (text: TextView) in NumberText.units(text, scale: scale) }
        case (.text, .double): .map { (text: TextView) in NumberText.double(text) }
        case (.text, .boolean): .map { (text: TextView) in truth(text) }
        case (.text, .timestamp): .map { (text: TextView) in TimestampText.parse(text) }
        case (.integer, .boolean): .map { (value: Int64) in value != 0 }
        case (.boolean, .integer): .map { (value: Bool) in Int64(value ? 1 : 0) }
        case (.double, .integer): .map { (value: Double) in Int64(exactly: value.rounded(.toNearestOrEven)) }
        case (.double, .decimal(let scale)): .map { (value: Double) in NumberText.units(of: value, scale: scale) }
        case (_, .text): toText(source)
        default: coarser(source, type)
        }
    }

    /// Fewer digits after the point.
    private static func coarser(_ source: ValueType, _ type: ValueType) -> Kernel? {
        guard let from = source.exactScale, let to = type.exactScale, to < from else { return nil }
        let divisor = DecimalComparison.powerOfTen(from - to)
        return .map { (value: Int64) in Rounding.halfAwayFromZero.divide(value, by: divisor) }
    }

    private static func toText(_ source: ValueType) -> Kernel? {
        switch source {
        case .integer:
            .write { (value: Int64, out: inout TextWriter) in
                out.append(value)
                return true
            }
        case .decimal(let scale):
            .write { (value: Int64, out: inout TextWriter) in
                NumberText.write(units: value, scale: scale, &out)
                return true
            }
        case .double: .write { (value: Double, out: inout TextWriter) in NumberText.write(value, &out) }
        case .boolean:
            .write { (value: Bool, out: inout TextWriter) in
                out.append(value ? "true" : "false")
                return true
            }
        case .timestamp:
            .write { (value: Int64, out: inout TextWriter) in
                TimestampText.write(value, &out)
                out.append("+00")
                return true
            }
        case .localTimestamp:
            .write { (value: Int64, out: inout TextWriter) in
                TimestampText.write(value, &out)
                return true
            }
        default: nil
        }
    }

    /// A truth value in one of Postgres's spellings, or an unmistakable beginning of one.
    private static func truth(_ text: TextView) -> Bool? {
        let word = text[NumberText.trimmed(text)]
        guard word.count > 0 else { return nil }
        func begins(_ whole: StaticString, atLeast least: Int = 1) -> Bool {
            guard word.count >= least, word.count <= whole.utf8CodeUnitCount else { return false }
            return NumberText.matches(word, prefixOf: whole)
        }
        if begins("true") || begins("yes") || begins("on", atLeast: 2) || word.count == 1 && word[0] == 0x31 {
            return true
        }
        if begins("false") || begins("no") || begins("off", atLeast: 2) || word.count == 1 && word[0] == 0x30 {
            return false
        }
        return nil
    }
}
