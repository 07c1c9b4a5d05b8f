import Dataflow

/// Arithmetic on single values as the language's documentation says it.
enum NaiveNumber {
    static func scale(_ type: ColumnType) -> Int? {
        switch type {
        case .integer: 0
        case .decimal(let scale): scale
        default: nil
        }
    }

    static func power(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    static func double(_ value: SampleValue, _ type: ColumnType) -> Double {
        switch value {
        case .double(let number): number
        case .integer(let units): Double("\(units)e-\(scale(type) ?? 0)") ?? .nan
        default: .nan
        }
    }

    /// Before, same or after: negative, 0 or positive.
    static func order(_ x: SampleValue, _ a: ColumnType, _ y: SampleValue, _ b: ColumnType) -> Int {
        switch (x, y) {
        case (.text(let x), .text(let y)):
            let (x, y) = (Array(x.utf8), Array(y.utf8))
            return x == y ? 0 : x.lexicographicallyPrecedes(y) ? -1 : 1
        case (.boolean(let x), .boolean(let y)): return x == y ? 0 : 1
        case (.integer(let x), .integer(let y)):
            let (left, right) = (Int128(x) * power(scale(b) ?? 0), Int128(y) * power(scale(a) ?? 0))
            return left == right ? 0 : left < right ? -1 : 1
        default:
            let (left, right) = (double(x, a), double(y, b))
            return left == right ? 0 : left < right ? -1 : 1
        }
    }

    static func negated(_ value: SampleValue) -> SampleValue? {
        switch value {
        case .integer(let x): x == .min ? nil : .integer(-x)
        case .double(let x): .double(-x)
        default: nil
        }
    }

    static func common(_ a: ColumnType, _ b: ColumnType) -> ColumnType {
        guard let left = scale(a), let right = scale(b) else { return .double }
        return a == .integer && b == .integer ? .integer : .decimal(scale: max(left, right))
    }

    static func convert(_ value: SampleValue, _ from: ColumnType, to type: ColumnType) -> SampleValue? {
        guard let target = scale(type) else { return .double(double(value, from)) }
        guard case .integer(let units) = value, let own = scale(from) else { return nil }
        return Int64(exactly: Int128(units) * power(target - own)).map { .integer($0) }
    }

    /// The type of `a word b`, nil when it has too many digits.
    static func result(_ word: String, _ a: ColumnType, _ b: ColumnType) -> ColumnType? {
        guard let left = scale(a), let right = scale(b) else { return .double }
        if a == .integer, b == .integer { return .integer }
        switch word {
        case "/": return .double
        case "*": return left + right > 18 ? nil : .decimal(scale: left + right)
        default: return .decimal(scale: max(left, right))
        }
    }

    static func compute(
        _ word: String, _ x: SampleValue, _ a: ColumnType, _ y: SampleValue, _ b: ColumnType, _ type: ColumnType
    ) -> SampleValue? {
        guard let target = scale(type) else { return compute(word, double(x, a), double(y, b)) }
        guard case .integer(var left) = x, case .integer(var right) = y else { return nil }
        if word != "*" {
            guard case .integer(let first)? = convert(x, a, to: .decimal(scale: target)),
                case .integer(let second)? = convert(y, b, to: .decimal(scale: target))
            else { return nil }
            (left, right) = (first, second)
        }
        let result: Int128
        switch word {
        case "+": result = Int128(left) + Int128(right)
        case "-": result = Int128(left) - Int128(right)
        case "*": result = Int128(left) * Int128(right)
        case "/": if right == 0 { return nil } else { result = Int128(left) / Int128(right) }
        default: if right == 0 { return nil } else { result = Int128(left) % Int128(right) }
        }
        return Int64(exactly: result).map { .integer($0) }
    }

    private static func compute(_ word: String, _ x: Double, _ y: Double) -> SampleValue? {
        let result =
            switch word {
            case "+": x + y
            case "-": x - y
            case "*": x * y
            case "/": x / y
            default: x.truncatingRemainder(dividingBy: y)
            }
        return result.isFinite ? .double(result) : nil
    }
}
